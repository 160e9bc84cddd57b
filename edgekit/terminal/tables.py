"""The tables of the commands, built with rich; every cell with an interval has it on a second line."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from edgekit.budget.units import format_quantity
from edgekit.decision.matrix import Matrix
from edgekit.decision.setup import setup_of
from edgekit.decision.words import form_name, options_name, precision_name
from edgekit.devices.check import Finding
from edgekit.formats.markdown import cell_text
from edgekit.profiling.verify import Check
from edgekit.project.contract import OwnDevice
from edgekit.shipping.state import Delivery, Stage
from edgekit.terminal.format import (
    NOT_MEASURED,
    SYMBOLS,
    Formatter,
    figure,
    interval,
    margin,
    percent,
    plain,
    seconds,
    size,
)
from edgekit.terminal.format import limit as format_limit
from edgekit_targets.releases.listing import Listed
from edgekit_targets.types.catalogue import Entry
from edgekit_targets.types.manifest import Accuracy, Artifact, Keep, Manifest
from edgekit_targets.types.profile import Latency, Measurement, Profile
from edgekit_targets.types.target import TargetStatus
from edgekit_targets.types.verdict import Candidate, Constraint, Verdict

_ISA_WORDS = ("avx2", "vnni", "arm-dotprod")
"""What an integer file may assume; the kernel's own words stand in the JSON."""
_STAGES: dict[Stage, str] = {
    "waiting": "not asked",
    "switching": "unknown",
    "done": "has it",
    "refused": "as before",
    "returning": "must go back",
    "returned": "went back",
    "kept": "has it, and had none before",
}
_ORDER = ["pass", "undecided", "unmeasured", "fail"]


def verdict_table(verdict: Verdict) -> Table:
    """Every candidate against every limit: value, interval, status; the pick first, then by margin."""
    table = _table("candidate")
    for limit in verdict.limits:
        sign = "≤" if limit.upper else "≥"
        table.add_column(f"{limit.name} {sign}\n{format_limit(limit.name, limit.value)}", justify="right")
    table.add_column("margin", justify="right")
    for candidate in sorted(verdict.candidates, key=lambda one: _rank(one, verdict)):
        picked = _is_pick(candidate, verdict)
        table.add_row(
            _two_names(candidate, mark="▶" if picked else " "),
            *(_constraint(found) for found in candidate.constraints),
            margin(candidate.margin) if candidate.margin is not None else "–",
            style="bold" if picked else None,
        )
    return table


def profile_table(profile: Profile) -> Table:
    """What was measured: latency quantiles, CPU time and memory with their intervals."""
    table = _table("candidate\nbatch x length", "p50", "p99", "cpu time", "memory")
    for one in profile.measurements:
        table.add_row(
            _two_names(one, "" if one.mode == "stream" and one.batch == 1 else f"{one.batch}x{one.length}"),
            *_quantiles(one.latency),
            _two_lines(
                one.cpu_seconds_per_inference,
                one.cpu_low_seconds_per_inference,
                one.cpu_high_seconds_per_inference,
                seconds,
            ),
            _two_lines(_added(one), _float(one.memory_low_bytes), _float(one.memory_high_bytes), size),
        )
    return table


def manifest_table(manifest: Manifest) -> Table:
    """What was exported: size, error, operators quantized, accuracy on the test split, and whether to keep it."""
    table = _table("artifact", "size", "rel. error", "quantized", "accuracy (test)", "keep?")
    for one in manifest.artifacts:
        counts = ", ".join(
            f"{escape(kind)} {found.quantized}/{found.total}" for kind, found in (one.quantized or {}).items()
        )
        table.add_row(
            _artifact(one),
            size(one.size_bytes),
            percent(one.parity.relative_error) if one.parity else NOT_MEASURED,
            counts or NOT_MEASURED,
            _accuracy(one.accuracy),
            _keep(one.keep),
        )
    return table


def checks_table(checks: Sequence[Check]) -> Table:
    """Whether each artifact still answers as it did, and how far off it is."""
    table = _table("artifact", "target", "max abs error", "tolerance", "golden vectors")
    for one in checks:
        table.add_row(
            escape(one.artifact),
            escape(one.target),
            plain(one.max_abs_error),
            plain(one.tolerance),
            f"{SYMBOLS['pass' if one.passed else 'fail']} {'agree' if one.passed else 'FAIL'}",
        )
    return table


def matrix_table(found: Matrix) -> Table:
    """Devices by budgets, the pick in each cell; blank where nothing was measured."""
    table = _table("device")
    for budget in found.budgets:
        table.add_column(escape(budget), overflow="fold")
    for device in found.devices:
        table.add_row(escape(device), *(escape(cell_text(found.cell(device, budget))) for budget in found.budgets))
    return table


def targets_table(statuses: Sequence[TargetStatus]) -> Table:
    """What can run here, and what would have to be done for the rest."""
    table = _table("target", "runs here", "version")
    table.add_column("what it is, or what is missing", overflow="fold")
    for one in statuses:
        said = (one.summary if one.available else None, one.reason, one.remedy)
        about = "; ".join(part for part in said if part)
        table.add_row(escape(one.name), "yes" if one.available else "no", one.version or "–", escape(about))
    return table


def devices_table(devices: Sequence[OwnDevice]) -> Table:
    """The team's machines: how each is reached and what hardware it is said to be."""
    table = _table("device", "address", "catalogue")
    for one in devices:
        table.add_row(escape(one.name), escape(str(one.address)), escape(one.catalogue or "–"))
    return table


def findings_table(findings: Sequence[Finding]) -> Table:
    """What a device has, and the remedy for what is wrong."""
    table = _table("looked at")
    table.add_column("found", overflow="fold")
    for one in findings:
        mark = " " if one.fine else "✗"
        remedy = f"\n→ {one.remedy}" if one.remedy else ""
        table.add_row(escape(f"{mark} {one.what}"), escape(f"{one.told}{remedy}"))
    return table


def releases_table(model: Listed) -> Table:
    """What a device has of a model, the newest release first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="")
    table.add_column("release", no_wrap=True)
    table.add_column("")
    table.add_column("artifact", overflow="fold")
    table.add_column("size", justify="right")
    for one in reversed(model.releases):
        artifact = escape(one.artifact or "cannot be read")
        table.add_row(escape(one.release), _place_of(one.release, model), artifact, size(one.size_bytes))
    return table


def deliveries_table(deliveries: Sequence[Delivery]) -> Table:
    """What became of each device of a rollout."""
    table = _table("device", "wave")
    for name in ("release", "what it said"):
        table.add_column(name, overflow="fold")
    for one in deliveries:
        table.add_row(escape(one.device), str(one.wave + 1), _STAGES[one.stage], escape(one.told or ""))
    return table


def catalogue_table(entries: Sequence[Entry]) -> Table:
    """What is known about each kind of hardware; what differs from machine to machine is left out."""
    table = _table("catalogue")
    for name in ("processor", "memory", "targets"):
        table.add_column(name, overflow="fold")
    for one in entries:
        isa = [word for word in one.isa if word in _ISA_WORDS]
        isa += [f"no {word}" for word in one.lacks if word in _ISA_WORDS]
        threads = f"worth trying: {', '.join(map(str, one.threads))} threads" if one.threads else ""
        about = (one.processor or one.title, ", ".join(isa), threads)
        targets = [name for name, target in one.targets.items() if target.usable]
        table.add_row(
            escape(one.name),
            escape("\n".join(filter(None, about))),
            "\n".join(map(size, one.memory_bytes)) or "–",
            escape("\n".join(targets)),
        )
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="")
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _place_of(release: str, model: Listed) -> str:
    if release == model.unfinished:
        return "unfinished"
    if release == model.waiting:
        return "waits"
    return "current" if release == model.current else "previous" if release == model.previous else ""


def _constraint(found: Constraint) -> str:
    first, _, second = _folded(figure(found.name, found.value, found.low, found.high)).partition("\n")
    return f"{first} {SYMBOLS[found.status]}" + (f"\n{second}" if second else "")


def _quantiles(latency: Latency | None) -> tuple[str, str]:
    if latency is None:
        return NOT_MEASURED, NOT_MEASURED
    return (
        _two_lines(latency.p50_seconds, latency.p50_low_seconds, latency.p50_high_seconds, seconds),
        _two_lines(latency.p99_seconds, latency.p99_low_seconds, latency.p99_high_seconds, seconds),
    )


def _accuracy(accuracy: Accuracy | None) -> str:
    if accuracy is None:
        return NOT_MEASURED
    return _two_lines(accuracy.value, accuracy.low, accuracy.high, percent)


def _keep(found: Keep | None) -> str:
    if found is None:
        return "–"
    if found.accuracy_drop is None:
        return found.verdict
    return f"{found.verdict}\nlost {percent(found.accuracy_drop)}, p {found.p_value:.2g}"


def _artifact(one: Artifact) -> str:
    second = precision_name(one.precision) + (", with attention" if one.variant == "attention" else "")
    return escape(f"{one.family} {one.mode}\n  {second}")


def _two_names(one: Candidate | Measurement, where: str = "", *, mark: str = " ") -> str:
    first = f"{mark} {one.family} {one.target}"
    parts = [form_name(one), options_name(one), where]
    if where and one.threads == 1:
        del parts[1]
    pace = "" if one.every_seconds is None else f" @{format_quantity(one.every_seconds, 'time')}"
    return escape(f"{first}\n  {', '.join(filter(None, parts))}{pace}{'' if one.valid else ' INVALID'}")


def _two_lines(value: float | None, low: float | None, high: float | None, formatter: Formatter) -> str:
    return _folded(interval(value, low, high, formatter))


def _folded(text: str) -> str:
    """The interval on a line of its own, and a dash for an end that the samples do not bound."""
    first, bracket, second = text.replace("no lower bound", "–").replace("no upper bound", "–").partition(" [")
    return escape(f"{first}\n[{second}" if bracket else first)


def _added(one: Measurement) -> float | None:
    if one.memory is None:
        return None
    return float(one.memory.added_bytes)


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)


def _is_pick(candidate: Candidate, verdict: Verdict) -> bool:
    choice = verdict.choice
    return choice is not None and setup_of(candidate) == setup_of(choice)


def _rank(candidate: Candidate, verdict: Verdict) -> tuple[bool, bool, int, float]:
    room = candidate.margin if candidate.margin is not None else -1e9
    return not _is_pick(candidate, verdict), not candidate.valid, _ORDER.index(candidate.status), -room
