"""What somebody may do to a release folder; where the owner must sign it anew to be believed, a test does so."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import onnx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from onnx import TensorProto, helper

from edgekit_targets.releases.format import GOLDEN, MANIFEST, MODEL, PROFILE, SIGNATURE
from edgekit_targets.signing.envelope import Envelope, dump_envelope, signed_bytes
from edgekit_targets.signing.statement import make_statement
from tests.targets.releases.conftest import Owner


def statement(folder: Path) -> dict[str, Any]:
    bundle = json.loads((folder / SIGNATURE).read_text())
    found: dict[str, Any] = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    return found


def put_statement(folder: Path, content: object) -> None:
    bundle = json.loads((folder / SIGNATURE).read_text())
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(content).encode()).decode()
    (folder / SIGNATURE).write_text(json.dumps(bundle))


def sign_over(folder: Path, owner: Owner, digests: dict[str, str]) -> None:
    """Have the owner sign a statement over other files."""
    payload = make_statement("model", digests, SIGNATURE)
    signature = owner.private.sign(signed_bytes(payload), ec.ECDSA(hashes.SHA256()))
    envelope = Envelope(payload=payload, signature=signature, hint=owner.public.id)
    (folder / SIGNATURE).write_bytes(dump_envelope(envelope))


def external(folder: Path) -> None:
    weight = onnx.TensorProto(name="b", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="../../secret")
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "b"], ["y"])],
        "external",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])],
        [weight],
    )
    content = helper.make_model(graph).SerializeToString()
    (folder / MODEL).write_bytes(content)
    redescribe(folder, content)


def redescribe(folder: Path, content: bytes) -> None:
    release = json.loads((folder / MANIFEST).read_text())
    release |= {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    (folder / MANIFEST).write_text(json.dumps(release))


def bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / GOLDEN, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("input.x.npy", bytes(20 << 20))


def stranger_in_the_archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / GOLDEN, "a") as archive:
        archive.writestr("../../escape.npy", b"")


def other_model(folder: Path) -> None:
    (folder / MODEL).write_bytes((folder / MODEL).read_bytes() + b"\x00")


def no_model(folder: Path) -> None:
    content = b"not an onnx file"
    (folder / MODEL).write_bytes(content)
    redescribe(folder, content)


def other_inputs(folder: Path) -> None:
    release = json.loads((folder / MANIFEST).read_text())
    release["inputs"][0]["dtype"] = "float64"
    (folder / MANIFEST).write_text(json.dumps(release))


def other_evidence(folder: Path) -> None:
    document = {"schema_version": 2, "measurements": [{"sha256": "0" * 64}]}
    (folder / PROFILE).write_text(json.dumps(document))


def no_evidence(folder: Path) -> None:
    release = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(release | {"forced": []}))
