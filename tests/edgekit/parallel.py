"""Simulations of some thousand runs, on all cores: each job in a process of its own, from a fixed seed as ever."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def on_all_cores(work: Callable[..., Result], jobs: Sequence[tuple[Any, ...]]) -> list[Result]:
    """``work(*job)`` of each job, in order; it must be a function of a module.

    New processes instead of forked ones: some library of the test process may hold threads and locks.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(len(jobs), os.cpu_count() or 1), context) as pool:
        return list(pool.map(work, *zip(*jobs, strict=True)))
