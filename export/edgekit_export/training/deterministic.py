"""Torch in a state where the same seed gives the same bytes, and back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

_LARGE = 250_000


def threads_for(module: torch.nn.Module) -> int:
    """Threads to train ``module`` with: 1, or 2 from 250 thousand parameters on.

    It follows from the model alone, because the number of threads decides the order of sums, and with it the last bits
    of the weights. Two threads made small models slower (4.2 s against 3.4 s for 56 epochs of the iot LSTM), and many
    times slower on a machine that has other work.
    """
    return 2 if sum(weights.numel() for weights in module.parameters()) >= _LARGE else 1


@contextlib.contextmanager
def deterministic(seed: int, threads: int = 1) -> Iterator[None]:
    """Seed torch, fix its threads, forbid operators that are not deterministic; restore all of it afterwards."""
    threads_before = torch.get_num_threads()
    strict = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(strict)
            torch.set_num_threads(threads_before)
