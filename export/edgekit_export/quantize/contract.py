"""What a precision is: a rewrite of the fp32 graph, and how far its answers may be from the reference's.

Every refusal is a value with its reason: the caller drops the artifact and says why, the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from edgekit_targets.types.manifest import Precision as PrecisionName
from edgekit_targets.types.manifest import Quantized, Weights

if TYPE_CHECKING:
    from onnx import ModelProto

    from edgekit_export.quantize.calibration import Calibration

PORTABLE: Final = "portable"
ISAS: Final = (PORTABLE, "avx2", "vnni", "arm-dotprod")
"""What an integer file may assume of the processor that runs it; ``portable`` is right everywhere."""


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The rewritten graph. ``quantized`` counts operators by type in the fp32 graph; ``notes`` name what stayed."""

    model: ModelProto
    quantized: dict[str, Quantized]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The graph cannot be what the precision's name promises; ``reason`` is one line."""

    reason: str


class Precision(Protocol):
    """One precision. Implementations are stateless and import onnx only inside :meth:`apply`."""

    @property
    def name(self) -> PrecisionName:
        """The word users type, and the ``precision`` of its artifacts."""

    @property
    def integer(self) -> bool:
        """Whether the file depends on the instruction set; if not its ``isa`` is always ``portable``."""

    @property
    def tolerance(self) -> float:
        """Bound of the absolute error, as a share of max(1, largest absolute reference output)."""

    @property
    def relative_limit(self) -> Mapping[Weights, float]:
        """Bound of the relative error (Frobenius) on held-out inputs, by the origin of the weights; empty for none."""

    @property
    def calibrated(self) -> bool:
        """Whether :meth:`apply` makes use of a calibration."""

    def apply(self, model: ModelProto, isa: str, calibration: Calibration | None = None) -> Converted | Refused:
        """Rewrite ``model`` (clean fp32, opset 18; left as it is) for processors of ``isa``.

        ``calibration`` is what the model's weights meet on training data; None where there is none.
        """
