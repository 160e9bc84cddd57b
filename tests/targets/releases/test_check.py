import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit_targets.errors import InputError
from edgekit_targets.releases.check import check_runs
from edgekit_targets.releases.format import MANIFEST, Release, parse_release


@pytest.fixture(scope="module")
def release(make_release: Callable[..., Path]) -> Release:
    return parse_release((make_release() / MANIFEST).read_bytes(), "release.json")


@pytest.mark.parametrize(
    ("changes", "device", "words"),
    [
        ({}, {}, None),
        ({"architectures": ("aarch64",)}, {}, "is for aarch64, this device is x86_64"),
        ({"architectures": ("aarch64", "x86_64")}, {}, None),
        ({"isa": "vnni", "architectures": ("x86_64",)}, {}, "needs vnni, which this processor lacks"),
        ({"isa": "avx2", "architectures": ("x86_64",)}, {}, None),
        ({"min_onnxruntime": "1.24"}, {"onnxruntime": "1.23.9"}, "1.24 or newer, here is 1.23.9"),
        ({"min_onnxruntime": "1.9"}, {"onnxruntime": "1.16.0"}, None),
        ({"min_onnxruntime": "1.24"}, {"onnxruntime": "1.24.0rc1"}, None),
        ({"min_onnxruntime": "1.24.1"}, {"onnxruntime": "1.24+cu12"}, "or newer, here is"),
        ({"min_onnxruntime": "1.24"}, {"onnxruntime": None}, "here is none; install it"),
        ({"min_onnxruntime": None}, {"onnxruntime": None}, None),
    ],
)
def test_a_device_that_it_is_not_for_is_told_so(
    release: Release, changes: dict[str, Any], device: dict[str, Any], words: str | None
) -> None:
    facts: dict[str, Any] = {"architecture": "x86_64", "isa": ("avx2",), "onnxruntime": "1.30.1"}
    shipped = dataclasses.replace(release, **changes)
    if words is None:
        check_runs(shipped, **(facts | device))
        return
    with pytest.raises(InputError, match=words):
        check_runs(shipped, **(facts | device))


def test_openvino_needs_no_onnxruntime(release: Release) -> None:
    session = dataclasses.replace(release.session, target="openvino")
    shipped = dataclasses.replace(release, session=session)
    check_runs(shipped, architecture="x86_64", isa=(), onnxruntime=None)
