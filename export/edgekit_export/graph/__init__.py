"""From a PyTorch module to one clean ONNX graph: trace, clean, and the facts about what came out."""
