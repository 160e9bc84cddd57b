"""One candidate's whole story as lines of text, for ``pick --explain``."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit.decision.explain import Explanation, Place, Story
from edgekit.decision.words import metric_name, options_name, pace_name, target_name
from edgekit.terminal.format import SYMBOLS, count, figure, interval, limit, margin, number, percent, seconds, size
from edgekit_targets.types.manifest import Accuracy


def story_lines(found: Explanation) -> Iterator[str]:
    """The artifact first, then each candidate made of it."""
    yield f"{found.artifact}: {found.file}, {size(found.size_bytes)}, sha256 {found.sha256[:12]}"
    yield f"  accuracy: test {_accuracy(found.accuracy)}; validation {_accuracy(found.accuracy_validation)}"
    parity = found.parity
    if parity is None:
        yield "  parity: not checked"
    else:
        yield (
            f"  parity against {parity.reference}: off by {number(parity.max_abs_error)} at most (tolerance "
            f"{number(parity.tolerance)}), {percent(parity.relative_error)} in all, at {len(parity.points)} points"
        )
    counted = ", ".join(f"{kind} {one.quantized} of {one.total}" for kind, one in (found.quantized or {}).items())
    yield f"  quantized: {counted or 'nothing'}"
    if found.keep is not None:
        yield f"  keep or drop: {found.keep.verdict}, {found.keep.reason}"
    for note in found.notes:
        yield f"  note: {note}"
    for one in found.stories:
        yield from _story(one)


def _story(one: Story) -> Iterator[str]:
    candidate = one.candidate
    pace = pace_name(candidate.every_seconds)
    where = f"{'▶ ' * one.picked}on {target_name(candidate.target)} with {options_name(candidate)}"
    yield ""
    yield f"{where}{pace and f', {pace}'}: {one.outcome}"
    for found in candidate.constraints:
        value = figure(found.name, found.value, found.low, found.high)
        note = f" ({found.note})" if found.note else ""
        yield (
            f"  {SYMBOLS[found.status]} {found.name} {value}, limit {limit(found.name, found.limit)}: "
            f"{found.status}{note}"
        )
    yield f"  margin: {margin(candidate.margin)}"
    yield (
        f"  measured on {one.device} ({one.hardware}) at {one.measured}, runtime "
        f"{one.runtime_version or 'version not known'}, {count(one.samples)} samples worth "
        f"{count(one.effective_samples)} independent ones; in {one.profile}"
    )
    disturbed = "" if one.disturbed is None else f", disturbed for {percent(one.disturbed)} of its time"
    yield f"  {'valid' if candidate.valid else 'NOT VALID'}{disturbed}"
    checked = one.device_parity
    if checked is None:
        yield "  golden vectors: not run there"
    else:
        agree = "agree" if checked.passed else "DO NOT AGREE"
        yield (
            f"  golden vectors run there {agree}: off by {number(checked.max_abs_error)} (tolerance "
            f"{number(checked.tolerance)})"
        )
    for place in one.places:
        yield f"  {_place(place)}"
    for warning in one.warnings:
        yield f"  warning: {warning}"


def _place(one: Place) -> str:
    if one.metric == "cpu":
        value = interval(one.value, one.low, one.high, seconds)
    else:
        value = figure(one.metric, one.value, one.low, one.high)
    where = "not measured" if one.place is None else f"{one.place} of {one.of}"
    split = " (validation)" if one.metric == "accuracy" else ""
    return f"preferred by {metric_name(one.metric)}{split}: {value}, {where}, {'kept' if one.kept else 'left behind'}"


def _accuracy(found: Accuracy | None) -> str:
    if found is None:
        return "not measured"
    return f"{interval(found.value, found.low, found.high, percent)} on {count(found.samples)} samples"
