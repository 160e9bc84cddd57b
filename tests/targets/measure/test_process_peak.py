from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from edgekit_targets.measure import process_peak
from edgekit_targets.measure.memory import ProcMeter
from edgekit_targets.measure.process_peak import PeakMeter, choose_meter


def test_linux_has_the_meter_that_can_be_reset() -> None:
    assert isinstance(choose_meter("linux"), ProcMeter)


def test_macos_tells_the_peak_of_the_process_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(ru_maxrss=123_456_789)
    monkeypatch.setitem(sys.modules, "resource", SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: usage))
    meter = choose_meter("darwin")
    assert meter.process_peak() == 123_456_789
    assert "macOS has no high-water mark that can be reset" in str(meter.reason)
    assert meter.files() is None


def test_windows_tells_the_peak_of_the_working_set(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [1, 0]

    def information(process: Any, counters: Any, size: int) -> int:
        assert process.value == 42
        found = ctypes.cast(counters, ctypes.POINTER(process_peak._Counters))[0]
        assert size == found.cb == ctypes.sizeof(process_peak._Counters)
        found.PeakWorkingSetSize = 7_654_321
        return answers.pop(0)

    def current() -> int:
        return 42

    kernel = SimpleNamespace(GetCurrentProcess=current, K32GetProcessMemoryInfo=information)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    assert choose_meter("win32").process_peak() == 7_654_321
    assert choose_meter("win32").process_peak() is None


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_a_missing_part_of_the_system_is_no_crash(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert choose_meter(platform).process_peak() is None


def test_what_cannot_be_read_is_a_bug_to_ask_for() -> None:
    meter = PeakMeter("this system", lambda: 1)
    for ask in (meter.reset, meter.peak, meter.resident):
        with pytest.raises(RuntimeError, match="has no high-water mark"):
            ask()
