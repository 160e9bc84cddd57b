"""The workstation room: PyTorch in, verified ONNX out."""
