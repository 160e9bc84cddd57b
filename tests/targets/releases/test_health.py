"""Whether a release runs well here, told by a real process with the real runtime."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from edgekit_targets.errors import CheckFailed
from edgekit_targets.releases.format import Limits, Release, parse_release
from edgekit_targets.releases.health import probe, run_command, too_slow, try_out

Make = Callable[..., Path]
MIB = 2**20


def read(folder: Path) -> tuple[Path, Release]:
    return folder, parse_release((folder / "release.json").read_bytes(), "release.json")


def limits(p99: float | None = None, memory: float | None = None, process: float | None = None) -> Limits:
    return Limits(p99_seconds=p99, memory_bytes=memory, process_memory_bytes=process)


@given(samples=st.integers(1, 400), share=st.floats(0, 1))
def test_too_slow_is_the_exact_binomial_test(samples: int, share: float) -> None:
    late = round(share * samples)
    p_value = stats.binomtest(late, samples, 0.01, alternative="greater").pvalue
    assert too_slow(late, samples) == (p_value < 0.01) or p_value == pytest.approx(0.01)


def test_one_late_answer_in_a_hundred_is_what_p99_allows() -> None:
    assert not too_slow(0, 1)
    assert not too_slow(3, 300)
    assert too_slow(30, 300)
    assert too_slow(10, 10)


@pytest.mark.slow
def test_within_its_limits(make_release: Make) -> None:
    made = read(make_release(1, limits=limits(10.0, 500 * MIB, 1000 * MIB), every_seconds=0.001))
    trial, health = try_out(*made), probe(*made)
    assert trial.max_abs_error <= trial.tolerance
    assert trial.memory_limited_by == ("control group" if not trial.notes else "high-water mark")
    assert trial.memory_bytes is not None
    assert trial.process_memory_bytes is not None
    assert 0 < trial.memory_bytes < trial.process_memory_bytes < 1000 * MIB
    assert health.pace is not None
    assert (health.pace.samples, health.pace.late, health.pace.every_seconds) == (300, 0, 0.001)
    assert 0 < health.pace.worst_seconds <= 10.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (limits(memory=MIB / 2), r"the model adds [\d.]+ MiB on this device, the limit is 0\.5 MiB"),
        (limits(process=20 * MIB), r"the process takes [\d.]+ MiB on this device, the limit is 20\.0 MiB"),
    ],
)
def test_more_memory_than_it_may(make_release: Make, bounds: Limits, message: str) -> None:
    with pytest.raises(CheckFailed, match=message):
        try_out(*read(make_release(1, limits=bounds)))


@pytest.mark.slow
def test_without_limits_nothing_is_claimed(make_release: Make) -> None:
    made = read(make_release(1))
    trial, health = try_out(*made), probe(*made, command="true")
    assert (trial.memory_limited_by, trial.notes) == (None, ("memory: the release has no limit for it",))
    assert (health.pace, health.command) == (None, "succeeded")
    assert health.notes == ("pace: the release has no limit for its p99",)


def test_the_command_of_an_application(tmp_path: Path) -> None:
    run_command('test "$EDGEKIT_RELEASE" = ' + str(tmp_path), tmp_path, 60.0)
    with pytest.raises(CheckFailed, match=r"--probe 'echo a; echo b >&2; exit 7' ended with exit code 7: b"):
        run_command("echo a; echo b >&2; exit 7", tmp_path, 60.0)
    with pytest.raises(CheckFailed, match="was killed by SIGTERM"):
        run_command("kill -TERM $$", tmp_path, 60.0)
    with pytest.raises(CheckFailed, match=r"did not end within 0\.1 s"):
        run_command("sleep 600", tmp_path, 0.1)


def test_what_a_command_leaves_running_is_ended(tmp_path: Path) -> None:
    run_command("sleep 600 & echo $! > left; exit 0".replace("left", str(tmp_path / "left")), tmp_path, 0.5)
    left = Path("/proc") / (tmp_path / "left").read_text().strip() / "stat"
    end = time.monotonic() + 60.0
    while left.exists() and left.read_text().rpartition(")")[2].split()[0] != "Z":  # a signal takes a moment
        assert time.monotonic() < end
        time.sleep(0.02)
