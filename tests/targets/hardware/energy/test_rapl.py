from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.hardware.energy.contract import Unreadable
from edgekit_targets.hardware.energy.rapl import MOST_WATTS, Rapl, joules_between

RANGE = 262_143_328_850
Zone = Callable[..., Path]


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    def make(folder: str, name: str, microjoules: int, limit: str = str(RANGE)) -> Path:
        path = tmp_path / "sys/class/powercap" / folder
        path.mkdir(parents=True)
        (path / "name").write_text(f"{name}\n")
        (path / "max_energy_range_uj").write_text(f"{limit}\n")
        (path / "energy_uj").write_text(f"{microjoules}\n")
        return path / "energy_uj"

    return make


def test_packages_are_added_up_and_nothing_counts_twice(tmp_path: Path, zone: Zone) -> None:
    first, second = zone("intel-rapl:0", "package-0", 1_000_000), zone("intel-rapl:1", "package-1", RANGE - 500_000)
    others = [zone("intel-rapl:0:0", "core", 5), zone("intel-rapl:2", "psys", 5), zone("intel-rapl-mmio:0", "p", 5)]
    source = Rapl(tmp_path)
    source.start()
    first.write_text("3500000\n")
    second.write_text("499999\n")
    for other in others:
        other.write_text("999999999\n")
    assert source.stop() == pytest.approx(2.5 + 1.0)
    assert source.name == "measured: RAPL, 2 processor packages"
    source.start()
    assert source.stop() == 0.0


@given(
    before=st.integers(0, RANGE),
    watts=st.floats(0.0, MOST_WATTS),
    seconds=st.floats(0.0, RANGE / 1e6 / MOST_WATTS * 0.999),
)
def test_a_counter_that_starts_again_loses_nothing(before: int, watts: float, seconds: float) -> None:
    used = round(watts * seconds * 1e6)
    after = (before + used) % (RANGE + 1)
    assert joules_between(before, after, RANGE, seconds) == pytest.approx(used / 1e6)


@given(before=st.integers(0, RANGE), after=st.integers(0, RANGE), more=st.floats(1.0, 100.0))
def test_where_it_may_have_started_again_twice_nothing_is_told(before: int, after: int, more: float) -> None:
    with pytest.raises(Unreadable, match="more than once"):
        joules_between(before, after, RANGE, RANGE / 1e6 / MOST_WATTS * more)


def test_the_time_between_two_readings_is_the_clocks(tmp_path: Path, zone: Zone) -> None:
    zone("intel-rapl:0", "package-0", 0, limit="65000000000")
    times = iter([0.0, 10.0, 10.0 + 64.0, 100.0, 100.0 + 66.0])
    source = Rapl(tmp_path, now=lambda: next(times))
    source.start()
    assert source.stop() == 0.0
    source.start()
    with pytest.raises(Unreadable, match="66 s between two readings"):
        source.stop()


def test_what_only_root_may_read_says_so(tmp_path: Path, zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = zone("intel-rapl:0", "package-0", 0)
    read = Path.read_text

    def refuse(path: Path, *arguments: object, **options: object) -> str:
        if path == counter:  # whoever runs the tests may be root, whom no permission stops
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(Unreadable, match=r"energy_uj may not be read; run as root, or .*chmod a\+r"):
        Rapl(tmp_path)


@pytest.mark.parametrize("limit", ["", "0", "many", "-5"])
def test_a_counter_without_a_range_is_not_read(tmp_path: Path, zone: Zone, limit: str) -> None:
    zone("intel-rapl:0", "package-0", 0, limit=limit)
    with pytest.raises(Unreadable, match="max_energy_range_uj"):
        Rapl(tmp_path)


def test_a_counter_that_makes_no_sense_or_is_gone(tmp_path: Path, zone: Zone) -> None:
    counter = zone("intel-rapl:0", "package-0", 0)
    source = Rapl(tmp_path)
    counter.write_text("much\n")
    with pytest.raises(Unreadable, match="cannot be read"):
        source.stop()
    counter.unlink()
    with pytest.raises(Unreadable, match="No such file"):
        source.start()
    with pytest.raises(Unreadable, match="has no /sys/class/powercap"):
        Rapl(tmp_path / "elsewhere")
