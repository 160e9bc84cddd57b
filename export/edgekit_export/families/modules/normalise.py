"""Standardisation inside the model, so that a device feeds raw values and cannot get it wrong."""

from __future__ import annotations

import numpy as np
import torch


class Normalise(torch.nn.Module):
    """(x - mean) / std per feature; mean 0 and std 1 until :meth:`fit` saw the training data."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, features: int) -> None:
        """Start as the identity for ``features`` features."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))

    def fit(self, x: np.ndarray) -> None:
        """Take mean and standard deviation from ``x`` [samples, length, features].

        A feature that never varies in the training data gets std 1: dividing by its zero (or by rounding noise) would
        blow up the first value that differs on a device.
        """
        flat = x.reshape(-1, x.shape[-1]).astype(np.float64)
        mean, std = flat.mean(axis=0), flat.std(axis=0)
        std = np.where(std > 1e-6 * np.maximum(np.abs(mean), 1e-30), std, 1.0)
        self.mean.copy_(torch.from_numpy(mean))
        self.std.copy_(torch.from_numpy(std))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Raw [..., features] to standardised [..., features]."""
        return (x - self.mean) / self.std
