"""edgekit: settle LSTM or Transformer per device budget, with evidence, and ship the ONNX file that was measured."""

from edgekit_targets import __version__

__all__ = ["__version__"]
