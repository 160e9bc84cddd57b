"""fp32: the graph as it was traced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgekit_export.graph.operators import weighted_operators
from edgekit_export.quantize.contract import Converted, Refused
from edgekit_targets.types.manifest import Precision as PrecisionName
from edgekit_targets.types.manifest import Weights

if TYPE_CHECKING:
    from onnx import ModelProto

    from edgekit_export.quantize.calibration import Calibration


@dataclass(frozen=True)
class Fp32:
    """Nothing is quantized; what remains is the order in which a runtime adds floats up."""

    name: PrecisionName = "fp32"
    integer: bool = False
    calibrated: bool = False
    tolerance: float = 1e-5
    relative_limit: Mapping[Weights, float] = field(default_factory=dict)

    def apply(self, model: ModelProto, isa: str, calibration: Calibration | None = None) -> Converted | Refused:
        """The model itself, with its operators counted."""
        return Converted(model=model, quantized=weighted_operators(model))
