"""8 bits without saturation against giving up one bit everywhere: output error and time, ours over ``reduce_range``.

What people would otherwise use: ONNX Runtime's ``quantize_dynamic(per_channel=True, reduce_range=True)`` on the same
fp32 file. Both are right on processors without VNNI. Errors are relative (Frobenius norm), on held-out inputs at batch
1, with random weights unless said otherwise; "activations alone" is what 8-bit activations cost with exact weights, the
part that no choice of weights can win back. Run by ``make bench``; exits 1 when the whole 95 % interval says that ours
has more error, or takes more than 1.05 times the time. The aim of 0.7 times the error is told, not enforced.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from scipy.stats import bootstrap

from edgekit_export.data import load
from edgekit_export.exporting import ExportRequest, export
from edgekit_export.quantize.linear import floats_of, linear_of
from edgekit_export.quantize.promise import rebuilt
from edgekit_targets.progress import silent
from tests.benchmarks.common.rounds import interleaved, ratio

Floats = NDArray[np.float32]
CASES = (("seed", None), ("iot", "aeon:JapaneseVowels"), ("iot", None), ("mid", None), ("10m", None))
AIM, TIME_BOUND = 0.7, 1.05
SAMPLES, ROUNDS = 128, 40


def opened(model: Path | onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    content = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def answers(session: onnxruntime.InferenceSession, x: Floats) -> NDArray[np.float64]:
    """One sample after the other, as on a device."""
    rows = [np.asarray(session.run(["logits"], {"x": x[i : i + 1]})[0], np.float64) for i in range(len(x))]
    return np.concatenate(rows)


def exact_weights(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """``model`` with 8-bit activations in front of every linear operator; None where there are others with weights."""
    floats, nodes, held, seen = floats_of(model), [], {}, set()
    for node in model.graph.node:
        linear = linear_of(node, floats)
        if node.op_type == "LSTM":
            return None
        if linear is None:
            nodes.append(node)
            continue
        parts = [f"{linear.x}_{part}" for part in ("uint8", "scale", "zero")]
        if linear.x not in seen:
            nodes.append(helper.make_node("DynamicQuantizeLinear", [linear.x], parts))
            nodes.append(helper.make_node("DequantizeLinear", parts, [f"{linear.x}_back"]))
            seen.add(linear.x)
        held[f"{linear.weights}_exact"] = np.ascontiguousarray(linear.matrix)
        product = f"{linear.output}_product" if linear.bias else linear.output
        nodes.append(helper.make_node("MatMul", [f"{linear.x}_back", f"{linear.weights}_exact"], [product]))
        if linear.bias:
            nodes.append(helper.make_node("Add", [product, linear.bias], [linear.output]))
    return rebuilt(model, nodes, held)


def ratio_of_errors(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[float, float, float]:
    """The ratio of the norms of two errors ``[samples, classes]``, with its interval over samples, in pairs."""
    squares = np.square(ours).sum(axis=1), np.square(theirs).sum(axis=1)

    def of_norms(a: NDArray[np.float64], b: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        result: NDArray[np.float64] = np.sqrt(a.sum(axis=axis) / b.sum(axis=axis))
        return result

    found = bootstrap(squares, of_norms, paired=True, vectorized=True, n_resamples=2000, rng=0).confidence_interval
    return float(of_norms(*squares)), float(found.low), float(found.high)


def ratio_of_times(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float, float]:
    """The median ratio of interleaved rounds, with its interval."""
    taken = interleaved({"ours": ours, "theirs": theirs}, ROUNDS)
    found = ratio(taken["ours"], taken["theirs"])
    return found.value, found.low, found.high


def compare(preset: str, data: str | None, folder: Path) -> bool:
    """Measure one preset, print a line for each family, and say whether both hold."""
    dataset = None if data is None else load(data, 0)
    manifest = export(ExportRequest(models=("lstm", "transformer"), out=folder, preset=preset, data=data), silent)
    holds = True
    for fp32 in (one for one in manifest.artifacts if one.precision == "fp32"):
        ours = next(one for one in manifest.artifacts if (one.family, one.precision) == (fp32.family, "int8-dynamic"))
        source, seven = folder / fp32.file, folder / "seven.onnx"
        quantize_dynamic(source, seven, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
        assert fp32.example is not None
        shape = (SAMPLES, fp32.example[1], int(fp32.inputs[0].shape[-1]))
        x = np.random.default_rng(99).standard_normal(shape, np.float32) if dataset is None else dataset.x_test
        reference, floor = answers(opened(source), x), exact_weights(onnx.load(source))
        mine, theirs = opened(folder / ours.file), opened(seven)
        errors = [answers(session, x) - reference for session in (mine, theirs)]
        size = float(np.linalg.norm(reference))
        error = ratio_of_errors(errors[0], errors[1])
        slower = ratio_of_times(
            lambda one=mine, sample=x[:1]: one.run(None, {"x": sample}),  # type: ignore[misc]
            lambda one=theirs, sample=x[:1]: one.run(None, {"x": sample}),  # type: ignore[misc]
        )
        alone = (
            ""
            if floor is None
            else f", activations alone {np.linalg.norm(answers(opened(floor), x) - reference) / size:.2%}"
        )
        missed = "" if error[0] <= AIM else f", aim {AIM} missed"
        print(
            f"{preset} {fp32.family}{' trained' if data else ''}: error {np.linalg.norm(errors[0]) / size:.2%} / "
            f"{np.linalg.norm(errors[1]) / size:.2%} = {error[0]:.2f} [{error[1]:.2f}, {error[2]:.2f}]{alone}; "
            f"time {slower[0]:.2f} [{slower[1]:.2f}, {slower[2]:.2f}]{missed}",
            flush=True,
        )
        holds &= error[1] <= 1.0 and slower[1] <= TIME_BOUND
    return holds


def main() -> int:
    """Measure every preset and say whether the bounds hold."""
    logging.disable(logging.WARNING)  # quantize_dynamic advises to pre-process, which this graph does not need
    with tempfile.TemporaryDirectory() as scratch:
        held = [compare(preset, data, Path(scratch) / f"{number}") for number, (preset, data) in enumerate(CASES)]
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
