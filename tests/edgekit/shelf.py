"""A small bundle of real files (a window, and a step that adds up what it sees), with evidence, and a key."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.budget.budget import Budget, parse_limits
from edgekit.decision.pick import pick
from edgekit.decision.store import write_verdict
from edgekit.profiling.store import write_profile
from edgekit.shipping.choose import choose
from edgekit.shipping.compose import compose
from edgekit.shipping.signing import PrivateKey, new_pair, read_private_key
from edgekit_targets.bundle import write_manifest
from edgekit_targets.types.manifest import Artifact, Manifest, Parity, State, Tensor
from edgekit_targets.types.profile import Measurement, Profile

FEATURES, STEPS = 3, 4
WINDOW, STREAM = "lstm-window-fp32-portable-plain", "lstm-stream-fp32-portable-plain"
BUDGET = "p99=20ms, memory=64MiB"


def _write(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any]) -> None:
    from onnx import checker, helper

    graph = helper.make_graph(nodes, path.stem, inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def _window(path: Path) -> None:
    """Logits are minus the inputs of the last step."""
    from onnx import TensorProto, helper

    info = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Constant", [], ["last"], value_int=-1),
        helper.make_node("Gather", ["x", "last"], ["step"], axis=1),
        helper.make_node("Neg", ["step"], ["logits"]),
    ]
    axes: list[str | int | None] = ["batch", "length", FEATURES]
    _write(
        path,
        nodes,
        [info("x", TensorProto.FLOAT, axes)],
        [info("logits", TensorProto.FLOAT, ["batch", FEATURES])],
    )


def _stream(path: Path) -> None:
    """Logits are the sum of all steps since the reset, which the state ``h`` carries; it starts at 2."""
    from onnx import TensorProto, helper

    info = helper.make_tensor_value_info
    nodes = [helper.make_node("Add", ["x", "h"], ["h_out"]), helper.make_node("Identity", ["h_out"], ["logits"])]
    axes: list[str | int | None] = ["batch", FEATURES]
    _write(
        path,
        nodes,
        [info(name, TensorProto.FLOAT, axes) for name in ("x", "h")],
        [info(name, TensorProto.FLOAT, axes) for name in ("logits", "h_out")],
    )


@dataclasses.dataclass
class Shelf:
    """A bundle on disk and what it was made of."""

    bundle: Path
    artifacts: dict[str, Artifact]
    measurements: list[Measurement]


def _golden(path: Path, stream: bool) -> None:
    x = np.random.default_rng(7).normal(size=(8, STEPS, FEATURES)).astype(np.float32)
    path.parent.mkdir(exist_ok=True)
    arrays: dict[str, Any] = {"input.x": x, "output.logits": x.cumsum(axis=1) + 2 if stream else -x[:, -1]}
    np.savez(path, **arrays)


@pytest.fixture(scope="session")
def make_shelf(
    tmp_path_factory: pytest.TempPathFactory,
    make_artifact: Callable[..., Artifact],
    make_manifest: Callable[..., Manifest],
    make_measurement: Callable[..., Measurement],
    make_profile: Callable[..., Profile],
) -> Callable[..., Shelf]:
    """Write a bundle; keyword arguments change the measurements, ``verdict`` is the budget that was picked by."""

    def make(
        *, verdict: str | None = BUDGET, measured: bool = True, name: str = "local", data: bool = True, **changes: Any
    ) -> Shelf:
        bundle = tmp_path_factory.mktemp("shelf") / "bundle"
        bundle.mkdir()
        artifacts = {}
        for artifact_id, write in ((WINDOW, _window), (STREAM, _stream)):
            stream = artifact_id == STREAM
            path = bundle / f"{artifact_id}.onnx"
            write(path)
            _golden(bundle / "golden" / f"{artifact_id}.npz", stream)
            axes: tuple[int | str, ...] = ("batch", FEATURES) if stream else ("batch", "length", FEATURES)
            tensor = Tensor(name="x", dtype="float32", shape=axes)
            logits = Tensor(name="logits", dtype="float32", shape=("batch", FEATURES))
            more: dict[str, Any] = {}
            if stream:
                state = State(input="h", output="h_out", shape=("batch", FEATURES), dtype="float32", initial=2.0)
                h, h_out = (Tensor(name=end, dtype="float32", shape=axes) for end in ("h", "h_out"))
                more = {"mode": "stream", "inputs": (tensor, h), "outputs": (logits, h_out), "states": (state,)}
            artifacts[artifact_id] = make_artifact(
                **{
                    "id": artifact_id,
                    "file": path.name,
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                    "size": path.stat().st_size,
                    "inputs": (tensor,),
                    "outputs": (logits,),
                    "example": (1, STEPS),
                    "parity": Parity(
                        reference="pytorch",
                        tolerance=1e-5,
                        max_abs_error=1e-7,
                        relative_error=1e-7,
                        points=((1, STEPS),),
                    ),
                }
                | more
            )
        manifest = make_manifest(tuple(artifacts.values()))
        assert manifest.data is not None
        known = dataclasses.replace(manifest.data, length=STEPS, classes=("a", "b", "c"))
        write_manifest(bundle, dataclasses.replace(manifest, data=known if data else None))
        measurements = [
            make_measurement(
                one,
                **{"length": 1 if one.mode == "stream" else STEPS, "fixed_shapes": True, "runtime_version": "1.30"}
                | ({"every_seconds": 0.02} if one.mode == "stream" else {})
                | changes,
            )
            for one in artifacts.values()
        ]
        if measured:
            write_profile(bundle, make_profile(*measurements, name=name))
        if verdict is not None and measured:
            write_verdict(bundle, pick(bundle, Budget(verdict, parse_limits(verdict, "a test"))))
        return Shelf(bundle, artifacts, measurements)

    return make


@pytest.fixture(scope="session")
def shelf(make_shelf: Callable[..., Shelf]) -> Shelf:
    """A bundle that nobody changes."""
    return make_shelf()


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> PrivateKey:
    """A key to sign with."""
    return read_private_key(new_pair(tmp_path_factory.mktemp("keys") / "own")[0])


@pytest.fixture(scope="session")
def composed(shelf: Shelf, key: PrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compose a release of the shelf's; gives its folder."""
    folder = tmp_path_factory.mktemp("releases")

    def make(artifact: str = WINDOW, counter: int = 7, bundle: Path = shelf.bundle, **more: Any) -> Path:
        out = folder / f"{len(list(folder.iterdir()))}"
        chosen = choose(bundle, artifact=artifact)
        facts: dict[str, Any] = {"key": key, "name": "model", "counter": counter}
        compose(bundle, chosen, out, **(facts | more))
        return out

    return make
