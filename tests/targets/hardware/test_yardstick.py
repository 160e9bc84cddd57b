"""The fixed loop."""

from __future__ import annotations

from itertools import accumulate

from edgekit_targets.hardware.surroundings import System
from edgekit_targets.hardware.yardstick import loop_seconds


def test_an_interruption_of_one_run_does_not_count() -> None:
    ticks = accumulate([0, 300_000, 5, 90_000_000, 5, 200_000])
    assert loop_seconds(lambda: next(ticks)) == 2e-4


def test_it_is_run_after_each_slice_on_any_system() -> None:
    here = System()
    seen = here.since(here.look())
    assert seen.yardstick_seconds is not None
    assert 0.0 < seen.yardstick_seconds < 1.0
