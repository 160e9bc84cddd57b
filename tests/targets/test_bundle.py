from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest

from edgekit_targets.bundle import artifact_path, check_version, golden_path, read_manifest, write_manifest
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.types.manifest import Artifact, Manifest

CONTENT = b"a model"


def artifact(**changes: Any) -> Artifact:
    base = Artifact(
        id="lstm-window-fp32",
        file="lstm-window-fp32.onnx",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size_bytes=len(CONTENT),
        family="lstm",
        mode="window",
        precision="fp32",
        isa="portable",
        variant="plain",
        weights="random",
        parameters=None,
        opset=None,
        ir_version=None,
        min_onnxruntime=None,
        inputs=(),
        outputs=(),
        states=(),
        parity=None,
        quantized=None,
        accuracy=None,
        accuracy_validation=None,
    )
    return dataclasses.replace(base, **changes)


def manifest(*artifacts: Artifact, version: int = 1) -> Manifest:
    return Manifest(
        schema_version=version,
        edgekit_version="0",
        created="2026-01-01T00:00:00Z",
        data=None,
        versions={},
        settings={},
        artifacts=artifacts,
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    write_manifest(folder, manifest(artifact()))
    (folder / artifact().file).write_bytes(CONTENT)
    return folder


def test_round_trip(bundle: Path) -> None:
    found = read_manifest(bundle)
    assert found == manifest(artifact())
    assert artifact_path(bundle, found.artifacts[0]) == bundle / "lstm-window-fp32.onnx"
    assert golden_path(bundle, found.artifacts[0]) == bundle / "golden/lstm-window-fp32.npz"


def test_what_is_no_bundle(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a file, not a bundle"):
        read_manifest(bundle / "lstm-window-fp32.onnx")
    with pytest.raises(InputError, match=r"manifest\.json is missing"):
        read_manifest(tmp_path / "nowhere")


def test_a_truncated_manifest(bundle: Path) -> None:
    path = bundle / "manifest.json"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(InputError, match=r"manifest\.json is not valid JSON"):
        read_manifest(bundle)


def test_a_manifest_of_a_newer_edgekit(bundle: Path) -> None:
    write_manifest(bundle, manifest(version=2))
    with pytest.raises(InputError, match=r"schema_version 2.*upgrade edgekit-onnx"):
        read_manifest(bundle)


@pytest.mark.parametrize(
    "data", [None, [], {}, {"schema_version": "1"}, {"schema_version": True}, {"schema_version": 0}]
)
def test_a_document_without_a_version(data: object) -> None:
    with pytest.raises(InputError, match="no schema_version"):
        check_version(data, 1, Path("x.json"))


@pytest.mark.parametrize(
    "name", ["../model.onnx", "/etc/passwd", "", ".", "a/../..", "link/passwd", "a\0b", "x" * 5000, "loop/a"]
)
def test_names_stay_inside_the_bundle(bundle: Path, name: str) -> None:
    (bundle / "link").symlink_to("/etc")
    (bundle / "loop").symlink_to("loop")
    write_manifest(bundle, manifest(artifact(file=name)))
    with pytest.raises(InputError, match="outside the bundle"):
        read_manifest(bundle)


def test_ids_stay_inside_the_bundle_too(bundle: Path) -> None:
    write_manifest(bundle, manifest(artifact(id="../../../x")))
    with pytest.raises(InputError, match="outside the bundle"):
        read_manifest(bundle)


def test_a_changed_artifact_is_a_failed_check(bundle: Path) -> None:
    (bundle / artifact().file).write_bytes(CONTENT + b"!")
    with pytest.raises(CheckFailed, match="does not match its hash"):
        artifact_path(bundle, artifact())


def test_a_missing_artifact(bundle: Path) -> None:
    (bundle / artifact().file).unlink()
    with pytest.raises(InputError, match="missing from the bundle"):
        artifact_path(bundle, artifact())
