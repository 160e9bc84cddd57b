import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.catalogue.load import entries
from edgekit_targets.catalogue.match import match
from edgekit_targets.types.profile import Device

GIB = 2**30
UNKNOWN = Device(
    name="local",
    model=None,
    cpu=None,
    architecture="x86_64",
    isa=(),
    cores=4,
    memory_bytes=8 * GIB,
    os="Linux",
    python="3.11",
    governor=None,
    fingerprint="f" * 64,
)


def device(**facts: Any) -> Device:
    return dataclasses.replace(UNKNOWN, **facts)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Raspberry Pi Zero 2 W Rev 1.0", "raspberry-pi-zero-2"),
        ("Raspberry Pi 3 Model B Rev 1.2", "raspberry-pi-3"),
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "raspberry-pi-3"),
        ("Raspberry Pi 3 Model A Plus Rev 1.0", "raspberry-pi-3"),
        ("Raspberry Pi Compute Module 3 Plus Rev 1.0", "raspberry-pi-3"),
        ("Raspberry Pi 4 Model B Rev 1.4", "raspberry-pi-4"),
        ("Raspberry Pi 400 Rev 1.0", "raspberry-pi-4"),
        ("Raspberry Pi Compute Module 4 Rev 1.1", "raspberry-pi-4"),
        ("Raspberry Pi 5 Model B Rev 1.0", "raspberry-pi-5"),
        ("Raspberry Pi 500 Rev 1.0", "raspberry-pi-5"),
        ("RASPBERRY PI 5 MODEL B REV 1.0", "raspberry-pi-5"),
        ("NVIDIA Jetson Orin Nano Developer Kit", "jetson-orin-nano"),
        ("NVIDIA Orin Nano Developer Kit", "jetson-orin-nano"),
        ("NVIDIA Orin NX Developer Kit", None),
        ("Raspberry Pi Zero W Rev 1.1", None),
        ("Raspberry Pi 2 Model B Rev 1.1", None),
        ("Raspberry Pi 50 Rev 1.0", None),
        ("Not a Raspberry Pi 4 Model B", None),
        ("", None),
        (None, None),
    ],
)
def test_the_model_of_the_firmware_names_the_board(model: str | None, name: str | None) -> None:
    found = match(device(model=model, architecture="aarch64", cpu="Cortex-A72"))
    assert (found.name if found else None) == name


def test_a_board_is_known_whatever_system_runs_on_it() -> None:
    found = match(device(model="Raspberry Pi 4 Model B Rev 1.4", architecture="armv7l", cores=1))
    assert found is not None
    assert found.name == "raspberry-pi-4"


@pytest.mark.parametrize(
    ("cpu", "name"),
    [
        ("Intel(R) N100", "intel-n100"),
        ("Intel(R) Processor N100", "intel-n100"),
        ("Intel(R) N1000", None),
        ("11th Gen Intel(R) Core(TM) i7-1185G7 @ 3.00GHz", "laptop"),
        ("Intel(R) Core(TM) i7-10510U CPU @ 1.80GHz", "laptop"),
        ("12th Gen Intel(R) Core(TM) i5-1240P", "laptop"),
        ("Intel(R) Core(TM) Ultra 7 155H", "laptop"),
        ("AMD Ryzen 7 PRO 5850U with Radeon Graphics", "laptop"),
        ("AMD Ryzen AI 9 HX 370 w/ Radeon 890M", "laptop"),
        ("Intel(R) Core(TM) i7-7700 CPU @ 3.60GHz", None),
        ("Intel(R) Core(TM) i9-13900K", None),
        ("AMD Ryzen 9 5950X 16-Core Processor", None),
        ("AMD EPYC 7R13 Processor", None),
        (None, None),
    ],
)
def test_else_the_name_of_the_processor(cpu: str | None, name: str | None) -> None:
    found = match(device(cpu=cpu))
    assert (found.name if found else None) == name


def test_a_processor_with_more_cores_than_the_kind_has_is_another() -> None:
    assert match(device(cpu="Intel(R) N100", cores=8)) is None
    assert match(device(cpu="Intel(R) N100", architecture="aarch64")) is None


def test_the_name_of_an_arm_core_says_nothing_about_the_board() -> None:
    assert match(device(cpu="Cortex-A72", architecture="aarch64")) is None


def test_last_what_can_run_there() -> None:
    desktop = device(cpu="AMD Ryzen 9 5950X 16-Core Processor", cores=32)
    found = match(desktop, ["cpu", "cuda"])
    assert found is not None
    assert found.name == "workstation-gpu"
    assert match(desktop, ["cpu"]) is None


def test_memory_tells_kinds_with_one_processor_apart() -> None:
    (board,) = (entry for entry in entries() if entry.name == "raspberry-pi-4")
    marks = dataclasses.replace(board.marks, models=(), cpus=("Cortex-A72",))
    among = [dataclasses.replace(board, marks=marks)]
    facts = {"cpu": "Cortex-A72", "architecture": "aarch64"}
    assert match(device(**facts, memory_bytes=8 * GIB), among=among) == among[0]
    assert match(device(**facts, memory_bytes=16 * GIB), among=among) is None
    assert match(device(**facts, memory_bytes=None), among=among) == among[0]


def test_no_two_entries_claim_one_model() -> None:
    for entry in entries():
        for model in entry.marks.models:
            for revision in ("", " Rev 1.0"):
                claiming = [other for other in entries() if match(device(model=f"{model}{revision}"), among=[other])]
                assert claiming == [entry]


@given(
    model=st.none() | st.text(),
    cpu=st.none() | st.text(),
    architecture=st.text(),
    cores=st.integers(1, 1024),
    memory=st.none() | st.integers(0, 2**50),
    targets=st.lists(st.sampled_from(["cpu", "cuda", "openvino"])),
)
def test_any_facts_give_an_entry_or_none(
    model: str | None, cpu: str | None, architecture: str, cores: int, memory: int | None, targets: list[str]
) -> None:
    facts = {"model": model, "cpu": cpu, "architecture": architecture, "cores": cores, "memory_bytes": memory}
    assert match(device(**facts), targets) in (None, *entries())


@given(st.sampled_from(entries()), st.text(st.characters(categories=["L", "N"]), min_size=1))
def test_a_longer_word_is_another_model(entry: Any, more: str) -> None:
    for model in entry.marks.models:
        found = match(device(model=f"{model}{more}"), among=[entry])
        # "Raspberry Pi 4" and "Raspberry Pi 400" are both of the entry
        assert found is None or f"{model}{more}".casefold() in {one.casefold() for one in entry.marks.models}
