"""Stream mode from a module to verified files: N steps answer as the window over the same N steps."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from edgekit_export.exporting import ExportRequest, export
from edgekit_export.families import find
from edgekit_export.families.contract import ModelSpec
from edgekit_export.families.transformer import Transformer
from edgekit_export.graph.clean import clean, serialise
from edgekit_export.graph.trace import trace_step
from edgekit_export.verify.reference import reference_outputs
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.golden import run_samples
from edgekit_targets.agent.protocol import Open, Run
from edgekit_targets.bundle import artifact_path, golden_path, read_manifest
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.progress import silent
from edgekit_targets.runtimes import find as find_target
from edgekit_targets.runtimes.contract import Session
from edgekit_targets.types.manifest import Artifact, Manifest
from edgekit_targets.types.session import SessionOptions

pytestmark = pytest.mark.slow
WINDOW = 7
SETTINGS = {
    "lstm.hidden": "8",
    "lstm.layers": "2",
    "transformer.dim": "16",
    "transformer.heads": "2",
    "transformer.ff": "16",
    "transformer.layers": "2",
    "transformer.window": str(WINDOW),
}
SPECS: dict[str, dict[str, float]] = {
    "lstm": {"hidden": 8, "layers": 2, "dropout": 0.2},
    "transformer": {"dim": 16, "heads": 2, "ff": 16, "layers": 2, "window": WINDOW, "dropout": 0.1},
}
FEATURES = 3
Floats = Any
Steps = dict[str, tuple[torch.nn.Module, Path, Any]]


def request(out: Path, *models: str, **changes: Any) -> ExportRequest:
    base = ExportRequest(models=models, out=out, settings=SETTINGS, modes=("window", "stream"), seed=5)
    return dataclasses.replace(base, **changes)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    out = tmp_path_factory.mktemp("stream") / "bundle"
    return out, export(request(out, "lstm", "transformer", "linear"), silent)


def streams(manifest: Manifest) -> dict[str, Artifact]:
    return {f"{one.family} {one.precision}": one for one in manifest.artifacts if one.mode == "stream"}


def opened(path: Path, target: str) -> Session:
    runtime = find_target(target)
    runtime.prepare()
    return runtime.open(path, SessionOptions(), runtime.check(path))


def built(family: str, **changes: float) -> torch.nn.Module:
    torch.manual_seed(0)
    sizes = SPECS[family] | {name: value for name, value in changes.items() if name in SPECS[family]}
    spec = ModelSpec(features=FEATURES, classes=2, length=8, settings=sizes)
    return find(family).build(spec).eval()


def written(family: str, module: torch.nn.Module, path: Path) -> tuple[Path, Any]:
    form: Any = find(family).stream(module)
    path.write_bytes(serialise(clean(trace_step(form, torch.zeros(6, FEATURES)))))
    return path, form.states


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """The step of each family with random weights, and the module it is of."""
    folder = tmp_path_factory.mktemp("steps")
    modules = {family: built(family) for family in SPECS}
    return {family: (module, *written(family, module, folder / f"{family}.onnx")) for family, module in modules.items()}


def test_both_modes_of_each_family_are_written_and_what_has_no_stream_form_is_said(
    bundle: tuple[Path, Manifest],
) -> None:
    out, manifest = bundle
    assert read_manifest(out) == manifest
    assert {(one.family, one.mode, one.precision) for one in manifest.artifacts} == {
        *((family, mode, p) for family in SPECS for mode in ("window", "stream") for p in ("fp32", "int8-dynamic")),
        ("linear", "window", "fp32"),
        ("linear", "window", "int8-dynamic"),
    }
    assert [line.partition(": ")[0] for line in manifest.dropped] == [
        "linear-stream-fp32-portable-plain",
        "linear-stream-int8-dynamic-portable-plain",
    ]
    assert all("no stream form" in line for line in manifest.dropped)


def test_states_stand_in_the_manifest_the_graph_and_the_metadata(bundle: tuple[Path, Manifest]) -> None:
    out, manifest = bundle
    for name, artifact in streams(manifest).items():
        model = onnx.load(artifact_path(out, artifact))
        onnx.checker.check_model(model, full_check=True)
        facts = {entry.key: entry.value for entry in model.metadata_props}
        assert facts["edgekit.mode"] == "stream"
        assert facts["edgekit.reset"]
        assert facts.get("edgekit.window") == (str(WINDOW) if name.startswith("transformer") else None)
        assert json.loads(facts["edgekit.states"]) == [
            {**dataclasses.asdict(state), "shape": list(state.shape)} for state in artifact.states
        ]
        declared = {tensor.name: (tensor.dtype, tensor.shape) for tensor in (*artifact.inputs, *artifact.outputs)}
        assert declared["x"] == ("float32", ("batch", 12))
        assert declared["logits"] == ("float32", ("batch", 9))
        for state in artifact.states:
            assert declared[state.input] == declared[state.output] == (state.dtype, state.shape)
        assert len(declared) == 2 + 2 * len(artifact.states)
        assert (artifact.opset, artifact.ir_version, artifact.min_onnxruntime) == (18, 8, "1.16")


def test_verification_reached_three_windows_on_batches_of_one_and_four(bundle: tuple[Path, Manifest]) -> None:
    for artifact in streams(bundle[1]).values():
        assert artifact.parity is not None
        span = WINDOW if artifact.family == "transformer" else 25
        assert {(1, 1), (4, 1), (1, span), (4, span + 1), (1, 3 * span), (4, 3 * span)} <= set(artifact.parity.points)
        assert artifact.parity.max_abs_error <= artifact.parity.tolerance
        assert artifact.notes == ("no data was given: accuracy is not known, and parity was checked on random inputs",)


def test_what_was_quantized_carries_its_states(bundle: tuple[Path, Manifest]) -> None:
    out, manifest = bundle
    found = streams(manifest)
    for name in ("lstm int8-dynamic", "transformer int8-dynamic"):
        counts = found[name].quantized
        assert counts
        assert all(count.quantized == count.total > 0 for count in counts.values())
    nodes = onnx.load(artifact_path(out, found["lstm int8-dynamic"])).graph.node
    inner = [node for node in nodes if node.op_type == "DynamicQuantizeLSTM"]
    assert [list(node.input[5:7]) for node in inner] == [["h0", "c0"], ["h1", "c1"]]


def test_both_modes_hold_the_same_weights(bundle: tuple[Path, Manifest]) -> None:
    out, manifest = bundle
    for family in SPECS:
        weights = []
        for mode in ("window", "stream"):
            (one,) = (a for a in manifest.artifacts if (a.family, a.mode, a.precision) == (family, mode, "fp32"))
            arrays = [numpy_helper.to_array(t) for t in onnx.load(artifact_path(out, one)).graph.initializer]
            matrices = [
                array for array in arrays if array.dtype == np.float32 and max(array.shape, default=1) < array.size
            ]
            weights.append({tuple(np.sort(matrix, axis=None).tolist()) for matrix in matrices})
        assert weights[0] == weights[1]


def test_golden_sequences_hold_the_answer_of_every_step(bundle: tuple[Path, Manifest]) -> None:
    out, manifest = bundle
    for artifact in streams(manifest).values():
        assert artifact.example == (1, 25)
        with np.load(golden_path(out, artifact)) as golden:
            assert golden["input.x"].shape == (8, 25, 12)
            assert golden["output.logits"].shape == (8, 25, 9)
            for target in ("cpu", "openvino"):
                session = opened(artifact_path(out, artifact), target)
                found = run_samples(session, {"x": golden["input.x"]}, whole=False, states=artifact.states)
                session.close()
                assert artifact.parity is not None
                assert np.abs(found["logits"] - golden["output.logits"]).max() <= artifact.parity.tolerance


@pytest.mark.parametrize("target", ["cpu", "openvino"])
def test_an_agent_times_steps_and_runs_the_golden_sequences_again(bundle: tuple[Path, Manifest], target: str) -> None:
    out, manifest = bundle
    artifact = streams(manifest)["transformer fp32"]
    assert artifact.parity is not None
    asked = Open(
        handle="one",
        file=str(artifact_path(out, artifact)),
        sha256=artifact.sha256,
        target=target,
        inputs={"x": (1, 12)},
        golden=str(golden_path(out, artifact)),
        tolerance=artifact.parity.tolerance,
        states=artifact.states,
    )
    with LocalAgent() as agent:
        agent.hello()
        found = agent.open(asked)
        assert found.parity is not None
        assert found.parity.passed
        timed = agent.run(Run(handle="one", samples=20, max_seconds=5.0, warmup_seconds=0.0))
        assert len(timed.seconds) == 20
        # Without its states the file has inputs that nobody feeds.
        agent.close("one")
        with pytest.raises(InputError, match="has no shape"):
            agent.open(dataclasses.replace(asked, states=()))


def test_the_bytes_do_not_depend_on_what_was_exported_before(bundle: tuple[Path, Manifest], tmp_path: Path) -> None:
    changes: dict[str, Any] = {"modes": ("stream", "window"), "precisions": ("fp32",)}
    again = export(request(tmp_path / "again", "transformer", "lstm", **changes), silent)
    first = {one.id: one for one in bundle[1].artifacts}
    assert len(again.artifacts) == 4
    for artifact in again.artifacts:
        assert artifact.sha256 == first[artifact.id].sha256
        assert golden_path(tmp_path / "again", artifact).read_bytes() == golden_path(bundle[0], artifact).read_bytes()


@pytest.mark.parametrize("target", ["cpu", "openvino"])
@pytest.mark.parametrize("family", sorted(SPECS))
def test_n_steps_equal_the_window_for_every_n_up_to_three_windows(steps: Steps, family: str, target: str) -> None:
    module, path, states = steps[family]
    session = opened(path, target)
    for batch in (1, 4):
        x = np.random.default_rng(batch).standard_normal((batch, 3 * WINDOW, FEATURES)).astype(np.float32)
        answers = run_samples(session, {"x": x}, whole=True, states=states)["logits"]
        for count in range(1, x.shape[1] + 1):
            wanted = reference_outputs(module, x[:, :count])
            assert np.abs(answers[:, count - 1] - wanted).max() <= 1e-5 * max(1.0, np.abs(wanted).max())
    session.close()


@pytest.fixture
def carried(steps: Steps) -> Iterator[tuple[Session, Any]]:
    _, path, states = steps["transformer"]
    session = opened(path, "cpu")
    yield session, states
    session.close()


def fresh(states: Any, batch: int) -> dict[str, Any]:
    return {s.input: np.full([batch if n == "batch" else n for n in s.shape], s.initial, s.dtype) for s in states}


def test_the_counter_stays_bounded_and_the_states_never_grow(carried: tuple[Session, Any]) -> None:
    session, states = carried
    held, seen = fresh(states, 2), []
    for _ in range(6 * WINDOW):
        session.bind({"x": np.ones((2, FEATURES), np.float32), **held})
        answers = session.read()
        held = {state.input: answers[state.output] for state in states}
        assert {name: value.shape for name, value in held.items()} == {
            name: value.shape for name, value in fresh(states, 2).items()
        }
        seen.append(int(held["step"][0]))
    assert seen[: 2 * WINDOW] == [*range(1, 2 * WINDOW), WINDOW]
    assert set(seen[WINDOW:]) == set(range(WINDOW, 2 * WINDOW))


def test_one_stream_of_a_batch_starts_anew_when_its_counter_does(carried: tuple[Session, Any], steps: Steps) -> None:
    session, states = carried
    x = np.random.default_rng(0).standard_normal((2, 2 * WINDOW, FEATURES)).astype(np.float32)
    held = fresh(states, 2)
    for step in range(x.shape[1]):
        if step == WINDOW + 2:
            held["step"][1] = 0
        session.bind({"x": x[:, step], **held})
        answers = session.read()
        held = {state.input: answers[state.output] for state in states}
    module, _, _ = steps["transformer"]
    whole, tail = reference_outputs(module, x[:1]), reference_outputs(module, x[1:, WINDOW + 2 :])
    np.testing.assert_allclose(answers["logits"], np.concatenate([whole, tail]), atol=1e-5)


def test_a_step_that_forgets_a_slot_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true_stream = Transformer.stream

    def forgetful(self: Transformer, module: Any) -> Any:
        form: Any = true_stream(self, module)
        form.module.biases = form.module.biases.roll(1)
        return form

    monkeypatch.setattr(Transformer, "stream", forgetful)
    with pytest.raises(CheckFailed, match="transformer-stream-fp32-portable-plain: max abs error"):
        export(request(tmp_path / "out", "transformer", modes=("stream",)), silent)
    assert not list(tmp_path.iterdir())


def test_what_has_only_a_window_cannot_be_a_stream_bundle(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="transformer-stream-fp32-portable-plain: it attends to later steps too"):
        export(request(tmp_path / "out", "transformer", preset="seed", settings={}, modes=("stream",)), silent)


LENGTH = 16
"""Of the sequences to learn from: longer than the 13 steps that two layers with a window of 7 see."""


def labels_of(x: Floats) -> Floats:
    """Labels made for the purpose: whether a fading sum of the first feature is above 0, ``[samples, steps]``."""
    total, labels = np.zeros(len(x)), []
    for step in range(x.shape[1]):
        total = 0.7 * total + x[:, step, 0]
        labels.append(total > 0)
    return np.stack(labels, axis=1).astype(np.int64)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Models this small learn many times slower on threads that wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def taught(family: str) -> torch.nn.Module:
    """A small model that learned to say the label of the last step of sequences of 1 to LENGTH steps."""
    module = built(family, heads=4).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    source = np.random.default_rng(0)
    for step in range(400):
        x = source.standard_normal((64, 1 + step % LENGTH, FEATURES)).astype(np.float32)
        loss = torch.nn.functional.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(labels_of(x)[:, -1]))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return module.eval()


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("family", sorted(SPECS))
def test_a_hundred_lengths_on_the_answers_are_finite_and_as_accurate_as_after_one(tmp_path: Path, family: str) -> None:
    path, states = written(family, taught(family), tmp_path / "step.onnx")
    session = opened(path, "cpu")
    x = np.random.default_rng(1).standard_normal((100, 100 * LENGTH, FEATURES)).astype(np.float32)
    answers = run_samples(session, {"x": x}, whole=True, states=states)["logits"]
    session.close()
    assert np.isfinite(answers).all()
    right = answers.argmax(axis=2) == labels_of(x)
    after_one, after_hundred = right[:, LENGTH // 2 : LENGTH].mean(), right[:, -LENGTH // 2 :].mean()
    assert after_one > 0.93, "it learned the task"
    # Two shares of 800 answers each: they differ by 0.9 points (one standard deviation) by chance alone.
    assert after_hundred > after_one - 0.025
