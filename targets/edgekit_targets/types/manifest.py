"""What a bundle holds: ``manifest.json``, schema version 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

SCHEMA_VERSION = 1
Mode = Literal["window", "stream"]
Precision = Literal["fp32", "fp16", "int8-dynamic", "int8-static", "int8-weight", "int4-weight"]
MODES: tuple[Mode, ...] = ("window", "stream")
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8-dynamic", "int8-static", "int8-weight", "int4-weight")
REFERENCE_PAIR = ("lstm", "transformer")
"""The two families that the question is about."""
Variant = Literal["plain", "attention"]
Weights = Literal["trained", "random", "imported"]


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A named input or output. A dimension that varies is its name (``"batch"``), a fixed one its size."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True, kw_only=True)
class State:
    """One carried state of a stream artifact; a reset fills ``input`` with ``initial``.

    ``in_place``: nothing but the operator that makes ``output`` reads ``input``, so on ONNX Runtime's CPU provider both
    may be bound to one buffer.
    """

    input: str
    output: str
    shape: tuple[int | str, ...]
    dtype: str
    initial: float
    in_place: bool = False


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How far the artifact's answers are from the reference's.

    ``tolerance`` bounds ``max_abs_error`` (both in the output's unit), ``relative_error`` is the Frobenius norm of the
    difference over that of the reference output, on held-out inputs. ``points`` are the (batch, length) pairs checked.
    """

    reference: str
    tolerance: float
    max_abs_error: float
    relative_error: float
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """Operators of one type that have constant weights: how many in all, and how many of them are quantized."""

    quantized: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """A figure on one split with its 95 % interval (a proportion: Wilson 1927), higher is better.

    ``right`` tells which samples were answered right, for paired tests: one bit each in the order of the split, first
    sample in the highest bit, padded with zeros to whole bytes, in hexadecimal.
    """

    metric: str
    value: float
    low: float
    high: float
    samples: int
    right: str | None = None


@dataclass(frozen=True, kw_only=True)
class Keep:
    """What a quantized artifact is worth, before any speed is known.

    ``accuracy_drop`` (share lost against fp32) and ``p_value`` (McNemar 1947, exact, one-sided) are on the same
    validation samples; null without data. ``accurate`` is null where the samples cannot tell.
    """

    verdict: Literal["keep", "drop"]
    smaller: bool
    accuracy_drop: float | None
    p_value: float | None
    accurate: bool | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the weights came about. ``seconds`` is wall time; ``cpu_seconds`` is null where an older edgekit trained."""

    seed: int
    epochs: int
    seconds: float
    best_epoch: int
    checkpoint_sha256: str
    cpu_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One self-contained ``.onnx`` file. Figures that were not established are null, with the reason in ``notes``."""

    id: str
    file: str
    sha256: str
    size_bytes: int
    family: str
    mode: Mode
    precision: Precision | None
    isa: str
    variant: Variant
    weights: Weights
    parameters: int | None
    opset: int | None
    ir_version: int | None
    min_onnxruntime: str | None
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    states: tuple[State, ...]
    parity: Parity | None
    quantized: dict[str, Quantized] | None
    accuracy: Accuracy | None
    accuracy_validation: Accuracy | None
    training: Training | None = None
    example: tuple[int, int] | None = None
    """(batch, length) of the golden inputs."""
    notes: tuple[str, ...] = ()
    keep: Keep | None = None
    """Of a quantized artifact; null for fp32 and for imported files."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """The data set a bundle was trained and judged on; ``length`` is the steps per sequence.

    Of text ``vocab`` is the token of each id, which a model that takes ids is nothing without.
    """

    name: str
    sha256: str
    features: int
    length: int
    classes: tuple[str, ...]
    train: int
    validation: int
    test: int
    vocab: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """``manifest.json``. ``settings`` holds what the user chose (preset, ``--set`` values, seed)."""

    schema_version: int
    edgekit_version: str
    created: str
    data: Data | None
    versions: dict[str, str]
    settings: dict[str, Any]
    artifacts: tuple[Artifact, ...]
    dropped: tuple[str, ...] = ()
    """Artifacts that were asked for and not written, one line each with the reason."""
