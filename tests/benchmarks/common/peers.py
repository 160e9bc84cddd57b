"""What people would otherwise run: the same module in PyTorch, by the stock export, quantized, on OpenVINO."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_QUANTIZED = ("DynamicQuantizeLSTM", "MatMulInteger", "ConvInteger")
_WEIGHTED = ("LSTM", "MatMul", "Gemm", "Conv")


@dataclass(frozen=True, kw_only=True, eq=False)
class Way:
    """One way to run a model: ``run`` is what is timed, ``answer`` maps [1, length, features] to its output."""

    name: str
    run: Callable[[], object]
    answer: Callable[[Floats], Floats]
    size_bytes: int | None
    quantized: str
    """How many operators with constant weights are quantized, of how many."""


def eager(module: torch.nn.Module, x: Floats) -> Way:
    """The module as it is, in inference mode, on one thread."""
    return _torch("torch eager", module, x)


def compiled(module: torch.nn.Module, x: Floats) -> Way:
    """``torch.compile`` for this shape."""
    return _torch("torch.compile", torch.compile(module, dynamic=False), x)


def _torch(name: str, module: Callable[[torch.Tensor], torch.Tensor], x: Floats) -> Way:
    given = torch.from_numpy(x)

    def run() -> object:
        with torch.inference_mode():
            return module(given)

    def answer(x: Floats) -> Floats:
        with torch.inference_mode():
            return np.asarray(module(torch.from_numpy(x)).numpy())

    return Way(name=name, run=run, answer=answer, size_bytes=None, quantized="–")


def stock_export(module: torch.nn.Module, x: Floats, path: Path) -> Path:
    """``torch.onnx.export`` as its documentation shows it, in one file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(module, (torch.from_numpy(x),), input_names=["x"], dynamo=True, verbose=False)
    assert program is not None
    program.save(path)
    return path


def stock_int8(stock: Path, path: Path) -> Path:
    """``quantize_dynamic`` with its defaults."""
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(stock, path)
    return path


def by_session_run(name: str, path: Path, x: Floats) -> Way:
    """``session.run`` of ONNX Runtime, one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feeds = {"x": x}
    return Way(
        name=name,
        run=lambda: session.run(None, feeds),
        answer=lambda x: np.asarray(session.run(None, {"x": x})[0]),
        size_bytes=path.stat().st_size,
        quantized=_count(path),
    )


def by_openvino(name: str, path: Path, x: Floats) -> Way:
    """OpenVINO for latency, one thread, called as its documentation shows it."""
    import openvino

    model: Any = openvino.Core().compile_model(
        str(path), "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    )
    return Way(
        name=name,
        run=lambda: model(x),
        answer=lambda x: np.array(model(x)[0]),
        size_bytes=path.stat().st_size,
        quantized=_count(path),
    )


def _count(path: Path) -> str:
    """Of the operators with constant weights, how many are quantized; weights behind Slice and Concat count as such."""
    nodes = onnx.load(path).graph.node
    constant = {one.name for one in onnx.load(path).graph.initializer}
    quantized = sum(node.op_type in _QUANTIZED and any(name in constant for name in node.input) for node in nodes)
    floats = sum(
        node.op_type == "LSTM" or (node.op_type in _WEIGHTED and any(name in constant for name in node.input))
        for node in nodes
    )
    return f"{quantized} of {quantized + floats}"
