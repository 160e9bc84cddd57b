"""Operators in their dynamically quantized form: weights are int8 in the file, activations become uint8 on the fly.

Forms and input order are those of ONNX Runtime's contrib operators (docs/ContribOperators.md, ``DynamicQuantizeLSTM``)
and of the standard's ``DynamicQuantizeLinear`` and ``MatMulInteger``; the chain after ``MatMulInteger`` is the one
that ONNX Runtime fuses into one kernel (``MatMulIntegerToFloat``, ``DynamicQuantizeMatMul``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit_export.quantize.calibration import Calibration
from edgekit_export.quantize.linear import Floats, attributes_of, floats_of, linear_of
from edgekit_export.quantize.promise import CONTRIB
from edgekit_export.quantize.weights import quantize_columns

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


class Rewriter:
    """Collects the nodes and initializers that replace those of one graph.

    ``linear`` and ``lstm`` take one node, add its quantized form and say True; they say False and add nothing where
    the node has no such form (its weights are no initializers, for example).
    """

    def __init__(self, model: ModelProto, calibration: Calibration | None, *, pair_safe: bool) -> None:
        """Start on ``model``, which is left as it is; ``calibration`` lets rounding know what the weights meet."""
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, NDArray[np.generic]] = {}
        self._floats = floats_of(model)
        self._pair_safe, self._calibration = pair_safe, calibration
        self._activations: dict[str, tuple[str, str, str]] = {}

    def keep(self, node: NodeProto) -> None:
        """Take a node over as it is."""
        self.nodes.append(node)

    def linear(self, node: NodeProto) -> bool:
        """MatMul or Gemm with constant weights ``[inputs, outputs]`` as ``MatMulInteger`` and one scale a column.

        Zero points of the weights are left out: zeros given one by one cost ONNX Runtime 1 % of a window.
        """
        found = linear_of(node, self._floats)
        if found is None:
            return False
        integers, scales = self._matrix(found.weights, found.matrix)
        x, x_scale, x_zero = self._activation(found.x)
        out, bias = found.output, found.bias
        product = f"{out}_product" if bias else out
        self._add("MatMulInteger", [x, integers, x_zero], [f"{out}_integer"])
        self._add("Cast", [f"{out}_integer"], [f"{out}_float"], to=1)
        self._add("Mul", [x_scale, scales], [f"{out}_scale"])
        self._add("Mul", [f"{out}_float", f"{out}_scale"], [product])
        if bias:
            self._add("Add", [product, bias], [out])
        return True

    def lstm(self, node: NodeProto) -> bool:
        """LSTM as ``DynamicQuantizeLSTM``, W and R quantized per gate unit; bias, peepholes and states stay float."""
        from onnx import helper

        attributes = attributes_of(node)
        w, r = (self._floats.get(name) for name in node.input[1:3])
        if w is None or r is None or attributes.pop("layout", 0):
            return False
        w_names, r_names = self._directions(node.input[1], w), self._directions(node.input[2], r)
        given = [*node.input[3:], *[""] * 5][:5]  # B, sequence_lens, initial_h, initial_c, P
        inputs = [node.input[0], w_names[0], r_names[0], *given, *w_names[1:], *r_names[1:]]
        self.nodes.append(
            helper.make_node(
                "DynamicQuantizeLSTM",
                inputs,
                list(node.output),
                node.name,
                domain=CONTRIB,
                **dict(sorted(attributes.items())),
            )
        )
        return True

    def _directions(self, name: str, weights: NDArray[np.float32]) -> tuple[str, str, str]:
        """ONNX keeps ``[directions, 4 * hidden, inputs]``; the integer operator wants the last two axes swapped."""
        pairs = [self._quantize(matrix.T) for matrix in weights]
        scales = np.stack([scale for _, scale in pairs])
        names = (f"{name}_int8", f"{name}_scales", f"{name}_zeros")
        integers = np.stack([integers for integers, _ in pairs])
        self.initializers.update(zip(names, (integers, scales, np.zeros(scales.shape, np.int8)), strict=True))
        return names

    def _matrix(self, name: str, matrix: NDArray[np.float32]) -> tuple[str, str]:
        names = (f"{name}_int8", f"{name}_scales")
        if names[0] not in self.initializers:
            self.initializers.update(zip(names, self._quantize(matrix), strict=True))
        return names

    def _quantize(self, matrix: Floats) -> tuple[NDArray[np.int8], Floats]:
        gram = None if self._calibration is None else self._calibration.gram(matrix)
        return quantize_columns(matrix, pair_safe=self._pair_safe, gram=gram)

    def _activation(self, name: str) -> tuple[str, str, str]:
        """Quantize an activation once, however many operators read it."""
        if name not in self._activations:
            names = (f"{name}_uint8", f"{name}_scale", f"{name}_zero")
            self._add("DynamicQuantizeLinear", [name], list(names))
            self._activations[name] = names
        return self._activations[name]

    def _add(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, outputs, f"{outputs[0]}_{kind}", **attributes))
