"""Words and numbers of the page's tables; the template only arranges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgekit.decision.words import speed_text
from edgekit.profiling.comparisons import current_comparisons
from edgekit.report.evidence import Evidence, Row
from edgekit.terminal.format import (
    NOT_MEASURED,
    SYMBOLS,
    count,
    figure,
    formatter_for,
    interval,
    margin,
    number,
    percent,
    size,
)
from edgekit.terminal.format import limit as format_limit
from edgekit_targets.types.manifest import Artifact, Manifest
from edgekit_targets.types.profile import Comparison, Profile
from edgekit_targets.types.verdict import Candidate, Constraint, Limit, Status

NO_PACE = "no pace"
_EMPTY = (NOT_MEASURED, NO_PACE)


@dataclass(frozen=True)
class Cell:
    """A figure with its status, if a limit was held against it."""

    text: str
    status: Status | None = None
    symbol: str = ""
    note: str | None = None


@dataclass(frozen=True)
class Line:
    """A row of the table of limits."""

    row: Row
    status: Cell
    cells: tuple[Cell, ...]
    margin: str


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows. ``head`` leaves that column out; ``none`` was measured nowhere."""

    caption: str
    first: str
    head: tuple[str, ...]
    body: tuple[tuple[str, tuple[Cell, ...]], ...]
    none: tuple[str, ...] = ()


def limit_text(limit: Limit) -> str:
    """``p99 ≤ 20 ms``."""
    return f"{limit.name} {'≤' if limit.upper else '≥'} {format_limit(limit.name, limit.value)}"


def lines(evidence: Evidence) -> tuple[Line, ...]:
    """The candidates held against the limits, in the order of the verdict."""
    found = []
    for row in evidence.rows:
        if row.candidate is None:
            continue
        of_name = {one.name: one for one in row.candidate.constraints}
        cells = tuple(_constraint(of_name.get(limit.name)) for limit in evidence.limits)
        found.append(Line(row, _status(row.candidate), cells, margin(row.candidate.margin)))
    return tuple(found)


def without_empty(table: Table) -> Table:
    """The table without columns that hold no figure at all; they are named beneath it."""
    if not table.body:
        return table
    empty = {index for index in range(len(table.head)) if all(cells[index].text in _EMPTY for _, cells in table.body)}
    kept = [index for index in range(len(table.head)) if index not in empty]
    return replace(
        table,
        head=tuple(table.head[index] for index in kept),
        body=tuple((name, tuple(cells[index] for index in kept)) for name, cells in table.body),
        none=tuple(table.head[index] for index in sorted(empty)),
    )


def artifacts(manifest: Manifest, profiles: Sequence[Profile] = ()) -> list[Table]:
    """The files: what was really quantized, how much smaller, what it cost in accuracy; and how each was checked.

    With ``profiles`` also whether it is faster than fp32 on each target: smaller and as accurate is not enough to keep.
    """
    speeds = current_comparisons(manifest, profiles)
    kept = tuple((one.id, _kept(one, _fp32_of(one, manifest.artifacts), speeds)) for one in manifest.artifacts)
    head = (
        "file size (against fp32)",
        "operators quantized",
        "accuracy, test",
        "accuracy, validation",
        "drop to fp32, validation",
        "keep or drop",
        "speed against fp32 here",
    )
    checks = (
        "relative error",
        "largest error (tolerance)",
        "checked against, at batch x length",
        "parameters",
        "weights",
    )
    tables = (
        Table("Every file of the bundle, and whether quantizing it was worth it", "File", head, kept),
        Table(
            "How each file was checked against its source",
            "File",
            checks,
            tuple((one.id, _checked(one)) for one in manifest.artifacts),
        ),
    )
    return [without_empty(one) for one in tables]


def _status(candidate: Candidate) -> Cell:
    word = candidate.status if candidate.valid else f"{candidate.status}, not valid"
    return Cell(word, candidate.status, SYMBOLS[candidate.status])


def _constraint(one: Constraint | None) -> Cell:
    if one is None:
        return Cell(NOT_MEASURED, "unmeasured", SYMBOLS["unmeasured"])
    return Cell(_figure(one), one.status, SYMBOLS[one.status], one.note)


def _figure(one: Constraint) -> str:
    return figure(one.name, one.value, one.low, one.high)


def _kept(one: Artifact, base: Artifact | None, speeds: Sequence[Comparison]) -> tuple[Cell, ...]:
    ratio = (
        f" ({number(one.size_bytes / base.size_bytes)} times)" if base and base is not one and base.size_bytes else ""
    )
    texts = [
        f"{size(one.size_bytes)}{ratio}",
        _quantized(one),
        _accuracy(one, test=True),
        _accuracy(one, test=False),
        _drop(one, base),
        NOT_MEASURED if one.keep is None else f"{one.keep.verdict}: {one.keep.reason}",
        "is fp32"
        if base is one
        else "; ".join(speed_text(found) for found in speeds if found.artifact == one.id) or NOT_MEASURED,
    ]
    return tuple(map(Cell, texts))


def _checked(one: Artifact) -> tuple[Cell, ...]:
    parity = one.parity
    points = "" if parity is None else ", ".join(f"{batch}x{length}" for batch, length in parity.points)
    texts = [
        NOT_MEASURED if parity is None else percent(parity.relative_error),
        NOT_MEASURED if parity is None else f"{number(parity.max_abs_error)} ({number(parity.tolerance)})",
        NOT_MEASURED if parity is None else f"{parity.reference}: {points}",
        count(one.parameters),
        one.weights,
    ]
    return tuple(map(Cell, texts))


def _quantized(one: Artifact) -> str:
    if one.precision in ("fp32", "fp16"):
        return "none intended"
    if one.quantized is None:
        return "not counted"
    done = sum(each.quantized for each in one.quantized.values())
    total = sum(each.total for each in one.quantized.values())
    each = ", ".join(f"{name} {counts.quantized}/{counts.total}" for name, counts in sorted(one.quantized.items()))
    return f"{done} of {total} ({each})" if each else f"{done} of {total}"


def _accuracy(one: Artifact, *, test: bool) -> str:
    found = one.accuracy if test else one.accuracy_validation
    if found is None:
        return NOT_MEASURED
    text = interval(found.value, found.low, found.high, formatter_for(found.metric))
    return f"{text}, {count(found.samples)} samples"


def _drop(one: Artifact, base: Artifact | None) -> str:
    if base is one:
        return "is fp32"
    if base is None or one.accuracy_validation is None or base.accuracy_validation is None:
        return NOT_MEASURED
    drop = base.accuracy_validation.value - one.accuracy_validation.value
    if formatter_for(one.accuracy_validation.metric)(0.5).endswith("%"):
        return f"{number(drop * 100)} percentage points"
    return number(drop)


def _fp32_of(one: Artifact, all_artifacts: Sequence[Artifact]) -> Artifact | None:
    alike = [
        other
        for other in all_artifacts
        if (other.family, other.mode, other.variant, other.precision) == (one.family, one.mode, one.variant, "fp32")
    ]
    return alike[0] if alike else None
