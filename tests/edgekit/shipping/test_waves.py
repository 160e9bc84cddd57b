from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.shipping.waves import DEFAULT, split
from edgekit_targets.errors import InputError

FIFTY = [f"pi{number}" for number in range(50)]


def sizes(count: int, waves: str) -> list[int]:
    return [len(wave) for wave in split(FIFTY[:count], waves)]


def test_each_entry_says_how_many_have_it_then() -> None:
    assert sizes(50, "1,10%,100%") == [1, 4, 45]
    assert sizes(8, "1,100%") == [1, 7]
    assert sizes(8, "2, 3 ,100%") == [2, 1, 5]
    assert sizes(3, "1,50%,100%") == [1, 1, 1]


def test_one_setting_suits_a_fleet_of_any_size() -> None:
    assert sizes(1, DEFAULT) == [1]
    assert sizes(3, "1,5,100%") == [1, 2]
    assert sizes(8, "100%") == [8]
    assert sizes(8, "20") == [8]


@pytest.mark.parametrize("waves", ["", "0", "0%", "101%", "-1", "1.5", "all", "1,,100%", "1%%", "1;2", "x%", "1e9"])
def test_what_is_no_number_of_devices_is_refused(waves: str) -> None:
    with pytest.raises(InputError, match="neither a number of devices nor a percentage"):
        split(FIFTY, waves)


def test_waves_grow_and_reach_everybody() -> None:
    with pytest.raises(InputError, match="5% is less than the wave before it"):
        split(FIFTY, "10,5%,100%")
    with pytest.raises(InputError, match="leaves out 40 of 50 devices"):
        split(FIFTY, "1,20%")


@given(st.lists(st.integers(1, 100), max_size=5), st.integers(1, 50))
def test_every_device_is_in_exactly_one_wave(percent: list[int], count: int) -> None:
    waves = ",".join([*(f"{one}%" for one in sorted(percent)), "100%"])
    found = split(FIFTY[:count], waves)
    assert [device for wave in found for device in wave] == FIFTY[:count]
    assert all(found)
