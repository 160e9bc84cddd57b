from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes.onnx_file import read_signature
from edgekit_targets.types.manifest import Tensor


def write(path: Path, *nodes: Any, inputs: list[Any], outputs: list[Any], weights: list[Any] | None = None) -> Path:
    graph = helper.make_graph(list(nodes), "g", inputs, outputs, weights or [])
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


X = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 6])


def test_reads_names_types_and_dimensions(matmul: Path, lstm: Path) -> None:
    found = read_signature(matmul)
    assert found.inputs == (Tensor(name="x", dtype="float32", shape=("batch", 6)),)
    assert found.outputs == (Tensor(name="y", dtype="float32", shape=("batch", 4)),)
    assert read_signature(lstm).inputs[0].shape == ("batch", "length", 6)


def test_agrees_with_onnxruntime(matmul: Path, lstm: Path) -> None:
    import onnxruntime

    for path in (matmul, lstm):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        assert [(t.name, list(t.shape)) for t in read_signature(path).inputs] == [
            (t.name, t.shape) for t in session.get_inputs()
        ]


def test_weights_among_the_inputs_are_no_inputs_and_nameless_dimensions_get_a_name(tmp_path: Path) -> None:
    path = write(
        tmp_path / "old.onnx",
        helper.make_node("Add", ["x", "w"], ["y"]),
        inputs=[
            helper.make_tensor_value_info("x", TensorProto.INT64, [None, 6]),
            helper.make_tensor_value_info("w", TensorProto.INT64, [6]),
        ],
        outputs=[helper.make_tensor_value_info("y", TensorProto.BOOL, [])],
        weights=[helper.make_tensor("w", TensorProto.INT64, [6], list(range(6)))],
    )
    found = read_signature(path)
    assert found.inputs == (Tensor(name="x", dtype="int64", shape=("x_0", 6)),)
    assert found.outputs == (Tensor(name="y", dtype="bool", shape=()),)


@pytest.mark.parametrize("content", [b"", b"hello world" * 10, b"\xff" * 100, b"\x08\x07", b"\x3a\x7f"])
def test_no_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.onnx is no ONNX file"):
        read_signature(path)


def test_every_truncation_is_told(matmul: Path, tmp_path: Path) -> None:
    content = matmul.read_bytes()
    graph_end = content.index(b"matmul") + len(b"matmul")
    for length in range(graph_end):
        path = tmp_path / "part.onnx"
        path.write_bytes(content[:length])
        with pytest.raises(InputError):
            read_signature(path)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_a_damaged_file_is_refused_or_read_but_never_breaks(matmul: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(matmul.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.onnx"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert read_signature(path).outputs


@pytest.mark.parametrize(("name", "reason"), [("none.onnx", "No such file"), ("", "Is a directory")])
def test_what_is_no_file(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_signature(tmp_path / name)


def test_weights_in_another_file_are_refused(matmul: Path, tmp_path: Path) -> None:
    path = tmp_path / "external.onnx"
    onnx.save(onnx.load(matmul), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(InputError, match="external data"):
        read_signature(path)


def test_weights_in_another_file_are_found_inside_branches(tmp_path: Path) -> None:
    hidden = helper.make_tensor("hidden", TensorProto.FLOAT, [1], [1.0])
    hidden.ClearField("float_data")
    hidden.data_location = TensorProto.EXTERNAL
    hidden.external_data.add(key="location", value="weights.bin")
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    branch = helper.make_graph([helper.make_node("Constant", [], ["y"], value=hidden)], "branch", [], [y])
    path = write(
        tmp_path / "branches.onnx",
        helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch),
        inputs=[helper.make_tensor_value_info("x", TensorProto.BOOL, [1])],
        outputs=[y],
    )
    with pytest.raises(InputError, match="external data"):
        read_signature(path)


def test_what_is_no_tensor_of_numbers(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    words = write(
        tmp_path / "words.onnx",
        node,
        inputs=[X],
        outputs=[helper.make_tensor_value_info("y", TensorProto.STRING, [1])],
    )
    with pytest.raises(InputError, match="y holds a type that numpy does not have"):
        read_signature(words)
    sequence = write(
        tmp_path / "sequence.onnx",
        node,
        inputs=[X],
        outputs=[helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, [1])],
    )
    with pytest.raises(InputError, match="y is not a tensor"):
        read_signature(sequence)
