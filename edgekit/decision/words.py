"""What families, precisions and targets are called in a sentence."""

from __future__ import annotations

from edgekit.decision.figures import Evidence
from edgekit_targets.types.manifest import Artifact
from edgekit_targets.types.profile import Measurement
from edgekit_targets.types.verdict import Candidate

_FAMILIES = {
    "lstm": "LSTM",
    "transformer": "Transformer",
    "linear": "linear baseline",
    "conv": "convolutional baseline",
}
_PRECISIONS = {"int8-dynamic": "int8", "int8-static": "static int8", "int8-weight": "int8 weights", None: "as it is"}
_TARGETS = {"cpu": "ONNX Runtime", "cuda": "ONNX Runtime on CUDA", "openvino": "OpenVINO", "fake": "the fake runtime"}
_METRICS = {
    "cpu": "CPU time",
    "process_memory": "process memory",
    "accuracy_drop": "accuracy drop",
    "size": "file size",
}


def family_name(family: str) -> str:
    """``LSTM`` for ``lstm``; a user's model keeps its own name."""
    return _FAMILIES.get(family, family)


def precision_name(precision: str | None) -> str:
    """``int8`` for ``int8-dynamic``."""
    return _PRECISIONS.get(precision, str(precision))


def form_name(one: Artifact | Candidate | Measurement) -> str:
    """``int8``, and ``int8, stream`` for a stream."""
    return precision_name(one.precision) + (", stream" if one.mode == "stream" else "")


def target_name(target: str) -> str:
    """``ONNX Runtime`` for ``cpu``."""
    base, _, device = target.partition(":")
    return _TARGETS.get(base, base) + (f" on {device}" if device else "")


def metric_name(metric: str) -> str:
    """``CPU time`` for ``cpu``."""
    return _METRICS.get(metric, metric)


def candidate_name(one: Evidence) -> str:
    """``LSTM, int8, on ONNX Runtime``: enough to tell candidates of one verdict apart in a sentence."""
    return f"{family_name(one.artifact.family)}, {form_name(one.artifact)}, on {target_name(one.measurement.target)}"
