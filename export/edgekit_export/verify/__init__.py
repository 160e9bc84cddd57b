"""Holding artifacts against PyTorch: parity at several shapes, golden vectors, accuracy."""
