"""What the onnx package can tell about a file from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit_export.graph.constant_inputs import parse
from edgekit_export.graph.facts import read_facts
from edgekit_export.graph.operators import weighted_operators
from edgekit_export.graph.precision import precision_of
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Precision, Quantized

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Facts of an imported file; None where they could not be read, with the reason in ``notes``."""

    opset: int | None
    ir_version: int | None
    parameters: int | None
    precision: Precision | None
    quantized: dict[str, Quantized] | None
    min_onnxruntime: str | None
    notes: tuple[str, ...]


UNKNOWN = Origin(
    opset=None,
    ir_version=None,
    parameters=None,
    precision=None,
    quantized=None,
    min_onnxruntime=None,
    notes=('precision, opset and parameters are unknown without the onnx package: pip install "edgekit-onnx[export]"',),
)


def read_origin(content: bytes, path: Path) -> Origin:
    """Read the facts of an ``.onnx`` file's bytes; ``path`` is for the message.

    Raises:
        InputError: the bytes are no ONNX model.
        MissingExtra: the onnx package is not installed.
    """
    return origin_of(parse(content, path), path)


def origin_of(model: ModelProto, path: Path) -> Origin:
    """The facts of a model from elsewhere; ``path`` is for the message.

    Raises:
        InputError: it declares what ONNX does not have, as damaged bytes that are still a message do.
    """
    try:
        facts = read_facts(model)
        precision, notes = precision_of(model)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path} declares types or sizes that ONNX does not have; export or copy it again") from error
    return Origin(
        opset=facts.opset,
        ir_version=facts.ir_version,
        parameters=facts.parameters,
        precision=precision,
        quantized=weighted_operators(model),
        min_onnxruntime=facts.min_onnxruntime,
        notes=notes,
    )
