"""Files from elsewhere that carry state, take a constant beside their input, branch, or can be quantized."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgekit_export.carried_states import find_states
from edgekit_export.graph.origin import read_origin
from edgekit_export.imported import Taking, take_in
from edgekit_targets.errors import EdgekitError, InputError
from edgekit_targets.progress import silent
from edgekit_targets.types.manifest import Artifact, Manifest, Tensor
from tests.voices import FEATURES, HIDDEN, F, lstm_nodes, save, value, voice


def take(file: Path, out: Path, **how: Any) -> Manifest:
    how.setdefault("precisions", ("fp32", "int8-dynamic"))
    return take_in([file], out, Taking(**how), force=False, progress=silent)


def by_hand(file: Path, x: NDArray[Any], sr: int | None) -> list[float]:
    """The answers of a stream, one step after the other, in plain ONNX Runtime."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    h = c = np.zeros((1, 1, HIDDEN), np.float32)
    side = {} if sr is None else {"sr": np.array(sr)}
    answers = []
    for step in x:
        y, h, c = session.run(["y", "hn", "cn"], {"x": step[None], "h": h, "c": c, **side})
        answers.append(float(y[0, 0]))
    return answers


def check_golden(out: Path, artifact: Artifact, file: Path, sr: int | None) -> None:
    with np.load(out / "golden" / f"{artifact.id}.npz") as golden:
        assert set(golden.files) == {"input.x", "output.y"}
        assert golden["input.x"].shape == (8, 16, FEATURES)
        wanted = [by_hand(file, sequence, sr) for sequence in golden["input.x"]]
        np.testing.assert_allclose(golden["output.y"][:, :, 0], wanted, atol=1e-5)


@pytest.mark.parametrize("sr", [16000, 8000])
def test_a_constant_input_decides_on_a_branch_and_the_rest_is_quantized(tmp_path: Path, sr: int) -> None:
    file, out = voice(tmp_path / "vad.onnx"), tmp_path / "out"
    manifest = take(file, out, constants={"sr": str(sr)})
    fp32, int8 = manifest.artifacts
    assert not manifest.dropped
    for artifact in (fp32, int8):
        assert artifact.mode == "stream"
        assert [(s.input, s.output, s.shape, s.dtype, s.initial) for s in artifact.states] == [
            ("h", "hn", (1, "batch", HIDDEN), "float32", 0.0),
            ("c", "cn", (1, "batch", HIDDEN), "float32", 0.0),
        ]
        assert [tensor.name for tensor in artifact.inputs] == ["x", "h", "c"]
        model = onnx.load(out / artifact.file)
        assert all(node.op_type != "If" for node in model.graph.node)
        assert artifact.parity is not None
        assert artifact.parity.reference == "itself"
        check_golden(out, artifact, file, sr)
    assert fp32.quantized is not None
    assert (fp32.quantized["LSTM"].quantized, fp32.quantized["LSTM"].total) == (0, 1)
    assert int8.quantized is not None
    assert (int8.quantized["LSTM"].quantized, int8.quantized["LSTM"].total) == (1, 1)
    assert int8.parity is not None
    assert 0 < int8.parity.relative_error < 0.05
    assert int8.keep is not None


def test_a_branch_that_an_input_decides_on_stays_and_is_counted(tmp_path: Path) -> None:
    file = voice(tmp_path / "vad.onnx", hidden_weights=False)
    manifest = take(file, tmp_path / "out", modes=("window",))
    (artifact,) = manifest.artifacts
    assert (tmp_path / "out" / artifact.file).read_bytes() == file.read_bytes()
    assert artifact.quantized is not None
    assert (artifact.quantized["LSTM"].quantized, artifact.quantized["LSTM"].total) == (0, 2)
    assert artifact.parameters == 2 * 4 * HIDDEN * (FEATURES + HIDDEN)
    assert artifact.states == ()
    (line,) = manifest.dropped
    assert "LSTM stands inside control flow" in line
    assert "--set-input" in line


def spoken(path: Path, *, weights_inside: bool) -> Path:
    """A loop over the steps of x, as scripted modules come out: an LSTM step and a head in its body."""
    generator = np.random.default_rng(3)
    shapes = {"w": (1, 4 * HIDDEN, FEATURES), "r": (1, 4 * HIDDEN, HIDDEN), "head": (HIDDEN, 3)}
    weights = [
        numpy_helper.from_array(generator.normal(size=shape, scale=0.3).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    first = numpy_helper.from_array(np.array([0]), "first")
    state = (1, "batch", HIDDEN)
    body = helper.make_graph(
        [
            helper.make_node("Gather", ["x", "i"], ["step"], axis=1),
            helper.make_node("Unsqueeze", ["step", "first"], ["steps"]),
            helper.make_node("LSTM", ["steps", "w", "r", "", "", "h", "c"], ["", "hn", "cn"], hidden_size=HIDDEN),
            helper.make_node("Squeeze", ["hn", "first"], ["flat"]),
            helper.make_node("MatMul", ["flat", "head"], ["logits"]),
            helper.make_node("Identity", ["go"], ["on"]),
        ],
        "body",
        [
            value("i", TensorProto.INT64, ()),
            value("go", TensorProto.BOOL, ()),
            value("h", F, state),
            value("c", F, state),
        ],
        [
            value("on", TensorProto.BOOL, ()),
            value("hn", F, state),
            value("cn", F, state),
            value("logits", F, ("batch", 3)),
        ],
        [first, *weights] if weights_inside else [first],
    )
    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "one"], ["length"]),
        helper.make_node("Slice", ["sizes", "start", "end"], ["rows"]),
        helper.make_node("Concat", ["end", "rows", "width"], ["of_state"], axis=0),
        helper.make_node("ConstantOfShape", ["of_state"], ["zeros"]),
        helper.make_node("Loop", ["length", "", "zeros", "zeros"], ["h_last", "c_last", "by_step"], body=body),
        helper.make_node("Transpose", ["by_step"], ["y"], perm=[1, 0, 2]),
    ]
    numbers = {"one": 1, "start": [0], "end": [1], "width": [HIDDEN]}
    constants = [numpy_helper.from_array(np.array(number), name) for name, number in numbers.items()]
    inputs, outputs = [value("x", F, ("batch", "length", FEATURES))], [value("y", F, ("batch", "length", 3))]
    return save(
        path, helper.make_graph(nodes, "g", inputs, outputs, constants if weights_inside else [*constants, *weights])
    )


@pytest.mark.parametrize("weights_inside", [True, False])
def test_the_body_of_a_loop_stays_and_is_counted(tmp_path: Path, weights_inside: bool) -> None:
    file = spoken(tmp_path / "loop.onnx", weights_inside=weights_inside)
    manifest = take(file, tmp_path / "out", precisions=("fp32", "fp16", "int8-dynamic", "int8-static"))
    (artifact,) = manifest.artifacts
    assert (tmp_path / "out" / artifact.file).read_bytes() == file.read_bytes()
    assert (artifact.mode, artifact.states) == ("window", ())
    assert artifact.inputs[0].shape == ("batch", "length", FEATURES)
    assert artifact.quantized is not None
    assert {kind: (one.quantized, one.total) for kind, one in artifact.quantized.items()} == {
        "LSTM": (0, 1),
        "MatMul": (0, 1),
    }
    assert artifact.parameters == 4 * HIDDEN * (FEATURES + HIDDEN) + 3 * HIDDEN
    fp16, *integers = manifest.dropped
    assert "Loop has no float16 form" in fp16
    assert len(integers) == 2
    assert all("LSTM stands inside control flow (If, Loop, Scan)" in line for line in integers)
    with np.load(tmp_path / "out" / "golden" / f"{artifact.id}.npz") as golden:
        x, y = golden["input.x"], golden["output.y"]
    weights = {name: numpy_helper.to_array(tensor) for name, tensor in _tensors(onnx.load(file).graph)}
    np.testing.assert_allclose(y, _by_arithmetic(x, **weights), atol=1e-5)


def _tensors(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """The weights by name, wherever they stand."""
    yield from ((one.name, one) for one in graph.initializer if one.name in ("w", "r", "head"))
    for node in graph.node:
        for attribute in node.attribute:
            yield from _tensors(attribute.g)


def _by_arithmetic(x: NDArray[Any], *, w: NDArray[Any], r: NDArray[Any], head: NDArray[Any]) -> NDArray[Any]:
    """An LSTM as ONNX defines it (gates in the order i, o, f, c) and the head, without any runtime."""
    h = c = np.zeros((len(x), HIDDEN), np.float64)
    answers = []
    for step in x.transpose(1, 0, 2):
        i, o, f, g = np.split(step @ w[0].T + h @ r[0].T, 4, axis=1)
        i, o, f = (1 / (1 + np.exp(-gate)) for gate in (i, o, f))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        answers.append(h @ head)
    return np.stack(answers, axis=1)


def test_a_single_number_beside_a_stream_has_to_be_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"input sr is a single number.*--set-input sr=VALUE"):
        take(voice(tmp_path / "vad.onnx"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_stateful_file_is_taken_as_a_stream_with_its_bytes(tmp_path: Path) -> None:
    file, out = voice(tmp_path / "vad.onnx", branches=False), tmp_path / "out"
    fp32, int8 = take(file, out).artifacts
    assert (out / fp32.file).read_bytes() == file.read_bytes()
    check_golden(out, fp32, file, None)
    assert int8.quantized is not None
    assert int8.quantized["LSTM"].quantized == 1  # its weights came out of a Concat
    both = take(file, tmp_path / "both", modes=("window", "stream"), precisions=("fp32",)).artifacts
    assert [one.mode for one in both] == ["window", "stream"]


def test_a_file_without_state_has_no_stream(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "g", [value("x", F, ("b", 4))], [value("y", F, ("b", 4))]
    )
    manifest = take(save(tmp_path / "a.onnx", graph), tmp_path / "out", modes=("window", "stream"))
    assert [one.mode for one in manifest.artifacts] == ["window"]
    assert any("--state in=out" in line for line in manifest.dropped)
    assert any("no operator with constant weights" in line for line in manifest.dropped)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"states": {"q": "hn"}}, "--state q=hn: no file has an input q"),
        ({"states": {"h": "q"}}, "--state h=q: vad.onnx has no output q"),
        ({"states": {"h": "y"}}, "--state h=y: vad.onnx declares .* a state has one type and shape"),
        ({"states": {"h": "hn", "c": "hn"}}, "--state names one output of vad.onnx twice"),
        ({"constants": {"q": "1"}}, "--set-input q=1: no file has an input q"),
        ({"constants": {"sr": "fast"}}, "--set-input sr=fast: give a number"),
        ({"constants": {"sr": "1.5"}}, "--set-input sr=1.5: vad.onnx takes int64 there; give whole numbers"),
        ({"constants": {"sr": "1,2"}}, "--set-input sr=1,2: vad.onnx declares"),
        ({"constants": {"sr": "16000"}, "shapes": {"x": (2, 6)}}, "a stream feeds one sequence"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, how: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        take(voice(tmp_path / "vad.onnx"), tmp_path / "out", **how)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def tensors(*named: str, shape: tuple[int | str, ...] = (1, "batch", 8)) -> list[Tensor]:
    return [Tensor(name=name, dtype="float32", shape=shape) for name in named]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("h", "hn"),
        ("c0", "cn"),
        ("state", "stateN"),
        ("state", "state_out"),
        ("h_in", "h_out"),
        ("hidden_state", "new_hidden_state"),
        ("cache_in", "cache_out"),
        ("prev_lstm_state", "lstm_state"),
        ("input_states", "output_states"),
    ],
)
def test_pairs_are_recognised_by_name_and_shape(before: str, after: str) -> None:
    x, y = Tensor(name="x", dtype="float32", shape=("batch", 4)), Tensor(name="y", dtype="float32", shape=("batch", 2))
    found = find_states(Path("f.onnx"), [x, *tensors(before)], [y, *tensors(after)], {}, {})
    assert [(state.input, state.output) for state in found] == [(before, after)]
    other = find_states(Path("f.onnx"), [x, *tensors(before)], [y, *tensors(after, shape=(2, 8))], {}, {})
    assert other == ()


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (["input"], ["output"]),
        (["input_1"], ["output_1"]),
        (["x", "mask"], ["y", "mask_out"]),
        (["audio_in", "gain"], ["audio_out", "level"]),
        (["state"], ["state_out"]),
        # A cache that grows with every step has no one shape to carry; what is fixed can be given with --state.
        (["x", "past_key_values.0.key"], ["y", "present.0.key"]),
    ],
)
def test_what_only_looks_like_a_state_is_none(inputs: list[str], outputs: list[str]) -> None:
    assert find_states(Path("f.onnx"), tensors(*inputs), tensors(*outputs), {}, {}) == ()


def test_a_file_of_an_old_opset_is_taken_as_it_is(tmp_path: Path) -> None:
    weights = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [value("x", F, ("b", 4))],
        [value("y", F, ("b", 3))],
        [weights],
    )
    manifest = take(save(tmp_path / "old.onnx", graph, opset=9), tmp_path / "out")
    assert [one.opset for one in manifest.artifacts] == [9]
    assert any("the file has opset 9, quantized operators need 11" in line for line in manifest.dropped)


@given(place=st.floats(0, 1), byte=st.integers(0, 255), cut=st.floats(0, 1))
def test_damaged_bytes_never_end_in_a_traceback(place: float, byte: int, cut: float) -> None:
    content = bytearray(_sound())
    content[int(place * (len(content) - 1))] = byte
    for damaged in (bytes(content), bytes(content[: int(cut * len(content))])):
        try:
            read_origin(damaged, Path("f.onnx"))
        except EdgekitError as error:
            assert "\n" not in str(error)  # noqa: PT017 - most damage is not seen at this place, and need not be


def _sound() -> bytes:
    nodes, weights = lstm_nodes("", 0)
    graph = helper.make_graph(
        nodes,
        "g",
        [value("steps", F, ("t", "b", FEATURES)), value("h", F, (1, "b", HIDDEN)), value("c", F, (1, "b", HIDDEN))],
        [value("hn", F, (1, "b", HIDDEN)), value("cn", F, (1, "b", HIDDEN))],
        weights[:0],
    )
    return bytes(helper.make_model(graph, ir_version=8).SerializeToString())
