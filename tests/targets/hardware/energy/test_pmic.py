from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.hardware.energy import open_source
from edgekit_targets.hardware.energy.contract import Unreadable
from edgekit_targets.hardware.energy.pmic import OFFSET_WATTS, SLOPE, Pmic, joules_of, read_board, watts_of

ANSWER = """\
   3V7_WL_SW_A current(0)=0.10000000A
  VDD_CORE_A current(7)=2.00000000A
   3V7_WL_SW_V volt(8)=3.70000000V
  VDD_CORE_V volt(15)=0.75000000V
     EXT5V_V volt(24)=5.11800000V
      BATT_V volt(25)=0.00976806V
"""


@pytest.mark.parametrize("text", [ANSWER, "3V7_WL_SW_A=0.1A\n3V7_WL_SW_V=3.7V\nVDD_CORE_V=0.75V\nVDD_CORE_A=2A\n"])
def test_rails_with_both_are_added_up_and_fitted(text: str) -> None:
    assert watts_of(text) == pytest.approx(SLOPE * (0.1 * 3.7 + 2.0 * 0.75) + OFFSET_WATTS)


@given(st.text())
def test_any_answer_is_a_power_or_a_reason(text: str) -> None:
    with contextlib.suppress(Unreadable):
        assert watts_of(text) >= OFFSET_WATTS


@given(st.floats(0.5, 20.0), st.lists(st.floats(0.0, 1.0), min_size=3, max_size=20, unique=True))
def test_steady_power_is_power_times_time(watts: float, moments: list[float]) -> None:
    assert joules_of([(moment, watts) for moment in sorted(moments)], 0.0, 1.0) == pytest.approx(watts)


def test_a_ramp_is_its_mean() -> None:
    assert joules_of([(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)], 0.0, 2.0) == pytest.approx(4.0)
    with pytest.raises(Unreadable, match=r"2 readings in 2\.0 s are too few"):
        joules_of([(0.0, 1.0), (1.0, 2.0)], 0.0, 2.0)


def test_reads_in_a_thread_while_something_else_happens() -> None:
    read = threading.Semaphore(0)

    def answer() -> str:
        read.release()
        return ANSWER

    source = Pmic(answer)
    before = time.monotonic()
    source.start()
    started = time.monotonic()
    for _ in range(6):  # one of opening it; the last may still be on its way
        assert read.acquire(timeout=60)
    ended = time.monotonic()
    joules = source.stop()
    assert watts_of(ANSWER) * (ended - started) <= joules <= watts_of(ANSWER) * (time.monotonic() - before)


def test_a_chip_that_stops_answering_is_a_reason() -> None:
    answers = iter([ANSWER, "nothing"])
    read = threading.Semaphore(0)

    def answer() -> str:
        read.release()
        return next(answers)

    source = Pmic(answer)
    source.start()
    for _ in range(2):
        assert read.acquire(timeout=60)
    with pytest.raises(Unreadable, match="no rail"):
        source.stop()


@pytest.mark.parametrize(
    ("script", "words"),
    [("exit 1", "only a Raspberry Pi 5 has it"), ("echo nonsense", "no rail"), (None, "vcgencmd is not here")],
)
def test_another_machine_has_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, words: str
) -> None:
    if script is not None:
        (tmp_path / "vcgencmd").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "vcgencmd").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreadable, match=words):
        Pmic()


def test_the_real_command_line_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vcgencmd").write_text(f"#!/bin/sh\n[ \"$*\" = pmic_read_adc ] && echo '{ANSWER}'\n")
    (tmp_path / "vcgencmd").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert watts_of(read_board()) == watts_of(ANSWER)


def test_without_any_source_every_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("edgekit_targets.hardware.energy.rapl._ZONES", "nowhere")
    with pytest.raises(Unreadable, match=r"RAPL: .*; PMIC: "):
        open_source("cpu")
