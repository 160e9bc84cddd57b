"""What families, precisions and targets are called in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgekit.budget.units import format_quantity
from edgekit.decision.figures import Evidence
from edgekit.profiling.sweep import competitor
from edgekit.terminal.format import seconds
from edgekit_targets.types.manifest import REFERENCE_PAIR, Artifact, Mode
from edgekit_targets.types.profile import Comparison, Crossover, Measurement
from edgekit_targets.types.session import Configured, SessionOptions
from edgekit_targets.types.verdict import Candidate, Choice

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


def model_name(family: str) -> str:
    """``LSTM`` and ``Transformer``; a baseline or a user's model by the name of its family, for a table."""
    return _FAMILIES[family] if family in REFERENCE_PAIR else family


def precision_name(precision: str | None) -> str:
    """``int8`` for ``int8-dynamic``."""
    return _PRECISIONS.get(precision, str(precision))


def form_name(one: Artifact | Candidate | Measurement) -> str:
    """``int8``, and ``int8, stream`` for a stream."""
    return precision_name(one.precision) + (", stream" if one.mode == "stream" else "")


def options_name(one: Configured) -> str:
    """``1 thread``, ``2 spinning threads, no arena``."""
    spinning = "spinning " if one.spinning else ""
    more = ("" if one.arena else ", no arena") + (", CUDA graph" if one.cuda_graph else "")
    return f"{one.threads} {spinning}thread{'s' if one.threads > 1 else ''}{more}"


def pace_name(every_seconds: float | None) -> str:
    """``every 20ms``; nothing for a closed loop."""
    return "" if every_seconds is None else f"every {format_quantity(every_seconds, 'time')}"


def listed(items: Sequence[object]) -> str:
    """``fp32, fp16 and int8``."""
    texts = [str(item) for item in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def crossover_text(one: Crossover) -> str:
    """Who is faster where, in a sentence."""
    first, second = (_competitor(family, mode) for family, mode in zip(one.families, one.modes, strict=True))
    where = "each at its best"
    if one.target is not None:
        threads = f"{one.threads} thread{'s' if one.threads != 1 else ''}"
        where = f"{precision_name(one.precision)} on {target_name(one.target)}, {threads}"
    held = f", {one.steps} steps" if one.over == "batch" and one.modes[0] == "window" else ""
    held += f", batch {one.batch}" if one.batch not in (None, 1) else ""
    where += held + (f", {pace_name(one.every_seconds)}" if one.every_seconds is not None else "")
    span = f"from {one.over} {one.shortest} to {one.longest}" if one.longest > one.shortest else "at any length"
    if one.length is None or one.faster_before is one.faster_after is None:
        ahead = one.faster_before if one.faster_before == one.faster_after else None
        if ahead is None:
            return f"{first} and {second} ({where}): no crossover can be told {span}."
        return f"The {_ahead(one, ahead)} is the faster {span} ({where})."
    low = f"below {one.shortest}" if one.length_low is None else f"{one.length_low:.0f}"
    high = f"above {one.longest}" if one.length_high is None else f"{one.length_high:.0f}"
    names = _names(one)
    overtaker = one.faster_after or next((name for name in names if name != one.faster_before), names[0])
    again = f"; they cross {one.crossings} times, this is the first" if one.crossings > 1 else ""
    return f"The {_ahead(one, overtaker)} overtakes at {one.over} {one.length:.0f} [{low}, {high}] ({where}){again}."


def _names(one: Crossover) -> tuple[str, ...]:
    return tuple(competitor(family, mode) for family, mode in zip(one.families, one.modes, strict=True))


def _competitor(family: str, mode: Mode) -> str:
    return family_name(family) if mode == "window" else f"step of the {family_name(family)}'s stream"


def _ahead(one: Crossover, name: str) -> str:
    index = _names(one).index(name)
    return _competitor(one.families[index], one.modes[index])


def comparison_text(one: Comparison) -> str:
    """Which of two is the faster here, in a sentence."""
    first, second = one.artifact, one.other
    if one.target != one.other_target or one.about == "family":
        first, second = (
            f"{name} on {target_name(target)}"
            for name, target in (
                (one.artifact, one.target),
                (one.other, one.other_target),
            )
        )
    else:
        second = f"{second} on {target_name(one.target)}"
    return f"{first} is {standing_text(one)} {second}."


def speed_text(one: Comparison) -> str:
    """``faster on OpenVINO (0.62 times the time [0.61, 0.63])``: a quantized file against its fp32 form."""
    plain = replace(one.options, fixed_shapes=False)
    options = options_name(one.options) if plain != SessionOptions() else ""
    where = ", ".join(filter(None, (target_name(one.target), options, pace_name(one.every_seconds))))
    how, _, figures = standing_text(one).rpartition(" ")[0].partition(" (")
    return f"{how} on {where} ({figures}"


def standing_text(one: Comparison) -> str:
    """``faster (0.62 times the time [0.61, 0.63]) than``, ready for what it is compared with."""
    if one.low is None or one.high is None:
        span = f", {one.launches} common launch{'es' * (one.launches > 1)}: too few for an interval"
    else:
        span = f" [{one.low:.3g}, {one.high:.3g}]"
    figures = f"({one.ratio:.3g} times the time{span})"
    words = {"same": ("as fast", "as"), "undecided": ("not told apart", "from")}
    how, link = words.get(one.standing, (one.standing, "than"))
    return f"{how} {figures} {link}"


def covers_text(measurements: Sequence[Measurement]) -> str:
    """The longest disturbance that the intervals cover, over all candidates."""
    spans = [one.latency.covers_seconds for one in measurements if one.latency is not None]
    known = sorted(span for span in spans if span is not None)
    if not known:
        return "no latency was measured"
    least, most = seconds(known[0]), seconds(known[-1])
    return (
        f"the intervals cover disturbances of up to {least if least == most else f'{least} to {most}'}; "
        "of longer ones the run was too short to tell"
    )


def soak_text(one: Measurement) -> str:
    """What a soak did to a candidate: the end against the start, and how hot it got."""
    soak = one.soak
    assert soak is not None
    first, last = soak.points[0], soak.points[-1]
    ratio = "" if soak.ratio is None else f"p50 at the end is {soak.ratio:.2f} times that at the start"
    if soak.ratio_low is not None and soak.ratio_high is not None:
        ratio += f" [{soak.ratio_low:.2f}, {soak.ratio_high:.2f}]"
    heat = [state.hottest_celsius for state in (first.conditions, last.conditions) if state is not None]
    told = [degrees for degrees in heat if degrees is not None]
    warmth = f"; {told[0]:.0f} to {told[-1]:.0f} °C" if len(told) == 2 else "; no temperature is told here"
    return f"{one.artifact} on {target_name(one.target)}, soaked for {soak.seconds:.0f} s: {ratio}{warmth}."


def energy_text(one: Measurement) -> str:
    """What an inference needs above idle, and who says so."""
    energy = one.energy
    assert energy is not None
    ends = (energy.low, energy.high)
    low, high = ("–" if end is None else f"{end * 1e3:.3g}" for end in ends)
    return (
        f"{one.artifact} on {target_name(one.target)}: {energy.joules_per_inference * 1e3:.3g} mJ [{low}, {high}] an "
        f"inference above the {energy.idle_watts:.3g} W drawn when idle ({energy.source})."
    )


def enforced_text(one: Measurement) -> str:
    """Whether a candidate lived inside the memory it was given."""
    found = one.enforced
    assert found is not None
    size = f"{found.limit_bytes / 2**20:.1f} MiB"
    outcome = {True: f"lives inside {size}", False: f"was killed inside {size}: it needs more", None: "was not tried"}
    reason = f" inside {size}: {found.reason}" if found.lived is None else ""
    return f"{one.artifact} on {target_name(one.target)} {outcome[found.lived]}{reason}."


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


def choice_of(one: Evidence) -> Choice:
    """The record of what would be shipped."""
    return Choice(
        artifact=one.artifact.id,
        family=one.artifact.family,
        mode=one.artifact.mode,
        precision=one.artifact.precision,
        target=one.measurement.target,
        threads=one.measurement.threads,
        spinning=one.measurement.spinning,
        arena=one.measurement.arena,
        fixed_shapes=one.measurement.fixed_shapes,
        cuda_graph=one.measurement.cuda_graph,
        every_seconds=one.measurement.every_seconds,
    )
