from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from edgekit.devices.place import Found
from edgekit.devices.wheels import fetch, pinned, requirements_for, runs_openvino
from edgekit_targets.errors import InputError

PI = Found(
    folder="/home/pi/.edgekit",
    free_bytes=None,
    noexec=False,
    python=(3, 11, 2),
    executable="/usr/bin/python3",
    machine="aarch64",
    bits=64,
    libc=("glibc", "2.36"),
    system="Linux",
)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"machine": "armv7l", "bits": 32}, "64-bit"),
        ({"bits": 32}, "32-bit aarch64"),
        ({"machine": "riscv64"}, "riscv64"),
        ({"system": "Darwin"}, "Darwin"),
        ({"libc": ("", "")}, "glibc"),
    ],
)
def test_what_has_no_wheels_is_refused_with_the_reason(changes: dict[str, object], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        fetch(dataclasses.replace(PI, **changes), pinned().requirements, tmp_path)  # type: ignore[arg-type]


def test_every_python_of_both_processors_is_pinned() -> None:
    known = pinned()
    for requirement in (*known.requirements, known.openvino, *known.releases):
        name, version = requirement.split("==")
        for python in ("cp311", "cp312", "cp313", "cp314"):
            for machine in ("aarch64", "x86_64"):
                # One for each Python, or one for all of them from the oldest on; a newer C library may have its own.
                tag = rf"({python}-{python}|cp311-abi3)"
                suiting = [
                    wheel
                    for wheel in known.wheels
                    if re.match(rf"{name}-{version}-(\d+-)?{tag}-.*{machine}.whl", wheel)
                ]
                assert 1 <= len(suiting) <= 2, (requirement, python, machine)
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in known.wheels.values())


def test_an_older_runtime_gets_the_numpy_of_its_time() -> None:
    assert requirements_for("onnxruntime==1.16.3") == ("onnxruntime==1.16.3", "numpy==1.26.4")
    assert requirements_for("onnxruntime==1.24.4") == ("onnxruntime==1.24.4", *pinned().requirements[1:])
    assert requirements_for(None) == pinned().requirements
    assert requirements_for("onnxruntime") == pinned().requirements
    for wrong in ("torch==2.0", "onnxruntime==1.2; rm -rf /", "--help", "onnxruntime>=1.20", "openvino,openvino", ","):
        with pytest.raises(InputError, match="--runtime"):
            requirements_for(wrong)


def test_openvino_beside_or_instead() -> None:
    known = pinned()
    assert requirements_for("openvino") == (known.openvino, known.requirements[1])
    assert requirements_for("onnxruntime==1.24.4, openvino==2025.4.0") == (
        *("onnxruntime==1.24.4", "openvino==2025.4.0"),
        known.requirements[1],
    )
    assert requirements_for(None, releases=True) == (*known.requirements, *known.releases)


@pytest.mark.parametrize(
    ("changes", "runs"),
    [
        ({}, True),
        ({"machine": "x86_64", "libc": ("glibc", "2.31")}, True),
        ({"libc": ("glibc", "2.31")}, False),
        ({"bits": 32}, False),
        ({"machine": "riscv64"}, False),
        ({"python": (3, 15, 0)}, False),
        ({"libc": ("", "")}, False),
    ],
)
def test_openvino_is_offered_where_its_wheel_runs(changes: dict[str, object], runs: bool) -> None:
    assert runs_openvino(dataclasses.replace(PI, **changes)) is runs  # type: ignore[arg-type]
