"""What weights meet: the activations in front of every constant matrix, seen on inputs for calibration.

Found by content: whoever holds a weight matrix finds what was seen before it, in whatever graph of the same model and
under whatever name it stands there. So what the window graph has seen serves the step graph too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from edgekit_export.quantize.linear import Floats, floats_of, linear_of
from edgekit_targets.errors import CheckFailed, InputError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Run = Callable[["ModelProto", Floats], Mapping[str, NDArray[np.generic]]]
_ROWS: Final = 16_384
_FEWEST: Final = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """The activations in front of one matrix: their range, and ``gram``, inputs.T @ inputs ``[inputs, inputs]``."""

    low: float
    high: float
    gram: NDArray[np.float64]


class Calibration:
    """What was seen, by weight matrix ``[inputs, outputs]``."""

    def __init__(self, seen: Mapping[str, Seen]) -> None:
        """Hold what :func:`calibrate` saw."""
        self._seen = seen

    def at(self, matrix: Floats) -> Seen | None:
        """What ``matrix`` meets, or nothing where it was not seen."""
        return self._seen.get(_key(matrix))

    def gram(self, matrix: Floats) -> NDArray[np.float64] | None:
        """The Gram matrix of what ``matrix`` meets, likewise."""
        seen = self.at(matrix)
        return None if seen is None else seen.gram


def enough(length: int) -> int:
    """How many samples of ``length`` steps calibration takes: about 16 thousand steps, 8 samples at least."""
    return max(_FEWEST, _ROWS // max(1, length))


def choose(samples: Floats) -> Floats:
    """As many evenly spaced samples ``[some, length, features]`` as are :func:`enough`, or all."""
    wanted = min(enough(samples.shape[1]), len(samples))
    return samples[np.linspace(0, len(samples) - 1, wanted).astype(np.int64)]


def calibrate(model: ModelProto, samples: Floats, run: Run) -> Calibration:
    """Run ``model`` (fp32, one input ``[batch, length, features]``) on ``samples`` and keep what its weights meet.

    Args:
        model: not changed.
        samples: training data, never what the artifact is judged on.
        run: gives the outputs of a graph by name; it is called once, with a graph that has further outputs.

    Raises:
        InputError: ``samples`` have another width than the model takes.
        CheckFailed: the model gives NaN or infinity on them.
    """
    _check_width(model, samples)
    watched, matrices = _watched(model)
    if not matrices:
        return Calibration({})
    answers = run(watched, samples)
    seen: dict[str, Seen] = {}
    for number, matrix in enumerate(matrices):
        low, high, gram = (
            answers[f"calibration.{number}.{what}"].astype(np.float64) for what in ("low", "high", "gram")
        )
        if not np.isfinite(gram).all():
            raise CheckFailed("the model gives NaN or infinity on the inputs for calibration; check its weights")
        key = _key(matrix)
        earlier = seen.get(key)
        if earlier is not None:
            low, high = np.minimum(low, earlier.low), np.maximum(high, earlier.high)
            gram = gram + earlier.gram
        seen[key] = Seen(low=float(np.min(low)), high=float(np.max(high)), gram=gram)
    return Calibration(seen)


def _check_width(model: ModelProto, samples: Floats) -> None:
    dims = model.graph.input[0].type.tensor_type.shape.dim
    fixed = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    if len(fixed) != samples.ndim or any(
        size is not None and size != given for size, given in zip(fixed[1:], samples.shape[1:], strict=True)
    ):
        raise InputError(
            f"--data: calibration inputs are {'x'.join(map(str, samples.shape[1:]))}, the model takes "
            f"{'x'.join(str(size or 'any') for size in fixed[1:])}; pass data of the model's width"
        )


def _key(matrix: Floats) -> str:
    digest = hashlib.sha256(f"{matrix.shape}".encode())
    digest.update(np.ascontiguousarray(matrix, dtype=np.float32).data)
    return digest.hexdigest()


def _watched(model: ModelProto) -> tuple[ModelProto, list[Floats]]:
    """``model`` with range and Gram matrix of what meets each of the matrices as further outputs."""
    from onnx import TensorProto, helper, numpy_helper

    floats = floats_of(model)
    result = type(model)()
    result.CopyFrom(model)
    watch = _Watch()
    for node in result.graph.node:
        linear = linear_of(node, floats)
        if linear is not None:
            watch.add(linear.x, linear.matrix)
        elif node.op_type == "LSTM":
            _watch_lstm(watch, node, floats)
    result.graph.node.extend(watch.nodes)
    for name, array in watch.constants.items():
        result.graph.initializer.append(numpy_helper.from_array(array, name))
    for number in range(len(watch.matrices)):
        for what in ("low", "high", "gram"):
            result.graph.output.append(
                helper.make_tensor_value_info(f"calibration.{number}.{what}", TensorProto.FLOAT, None)
            )
    return result, watch.matrices


def _watch_lstm(watch: _Watch, node: NodeProto, floats: dict[str, Floats]) -> None:
    """W meets the input and R the states; those of all steps stand in for those before each step."""
    w, r = (floats.get(name) for name in node.input[1:3])
    if w is None or r is None:
        return
    if not node.output[0]:
        node.output[0] = f"{node.name or node.output[1]}_steps"
    for direction in range(len(w)):
        watch.add(node.input[0], w[direction].T)
        watch.add(node.output[0], r[direction].T, direction=direction)


class _Watch:
    """Collects the nodes that look at activations."""

    def __init__(self) -> None:
        self.matrices: list[Floats] = []
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, NDArray[np.int64]] = {}

    def add(self, activation: str, matrix: Floats, direction: int | None = None) -> None:
        """Look at ``activation`` ``[..., inputs]``, or at one direction of ``[length, directions, batch, inputs]``."""
        from onnx import helper

        prefix = f"calibration.{len(self.matrices)}"
        self.matrices.append(matrix)
        if direction is not None:
            self.constants[f"{prefix}.direction"] = np.array(direction)
            self.nodes.append(
                helper.make_node("Gather", [activation, f"{prefix}.direction"], [f"{prefix}.one"], axis=1)
            )
            activation = f"{prefix}.one"
        self.constants[f"{prefix}.shape"] = np.array([-1, len(matrix)])
        self.nodes += [
            helper.make_node("ReduceMin", [activation], [f"{prefix}.low"], keepdims=1),
            helper.make_node("ReduceMax", [activation], [f"{prefix}.high"], keepdims=1),
            helper.make_node("Reshape", [activation, f"{prefix}.shape"], [f"{prefix}.rows"]),
            helper.make_node("Transpose", [f"{prefix}.rows"], [f"{prefix}.columns"], perm=[1, 0]),
            helper.make_node("MatMul", [f"{prefix}.columns", f"{prefix}.rows"], [f"{prefix}.gram"]),
        ]
