"""Both families against each other in time: ratios from rounds that both were measured in, and where they cross.

Each family runs in its fastest way (target and precision). A ratio comes from the launches of both, so it has an
interval wherever there were enough of them, also where a median alone is not bounded by its samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.profiling.comparisons import rounds_of
from edgekit.rounds import figures
from edgekit.rounds.contract import LSTM, TRANSFORMER, Figure
from edgekit.statistics.crossover import Point, crossing
from edgekit.statistics.means import Mean
from edgekit.statistics.paired import FEWEST_LAUNCHES, Ratio, apart, ratio, typical
from edgekit_targets.types.manifest import Mode
from edgekit_targets.types.profile import Latency, Measurement

NAMES = {LSTM: "LSTM", TRANSFORMER: "Transformer"}


@dataclass(frozen=True)
class At:
    """Where both families are held against each other."""

    size: str
    mode: Mode
    batch: int
    length: int


@dataclass(frozen=True)
class Versus:
    """The LSTM's time over the Transformer's; above 1 the Transformer is faster."""

    at: At
    lstm: Measurement
    transformer: Measurement
    value: float
    low: float
    high: float

    def of(self, family: str) -> Measurement:
        """What was measured of one of the two."""
        return self.lstm if family == LSTM else self.transformer


def latency_of(one: Measurement) -> Latency:
    """That of a measurement that has one."""
    assert one.latency is not None
    return one.latency


def against(first: Measurement, second: Measurement) -> Ratio | None:
    """The first's time over the second's: in pairs where one run measured both, else from the launches of each."""
    paired = ratio(rounds_of(first), rounds_of(second)) if first.created == second.created else None
    return paired or apart(rounds_of(first), rounds_of(second))


def fastest(measured: Sequence[Measurement]) -> Measurement | None:
    """The one with the lowest median of those that are valid."""
    usable = [one for one in measured if one.valid and one.latency is not None]
    return min(usable, key=lambda one: latency_of(one).p50_seconds, default=None)


def versus(size: str, measured: Sequence[Measurement]) -> list[Versus]:
    """Both families wherever both have a valid figure, and enough launches for an interval."""
    found = []
    for at in sorted({(one.mode, one.batch, one.length) for one in measured}):
        mode, batch, length = at
        here = [one for one in measured if (one.mode, one.batch, one.length) == at]
        lstm, transformer = (fastest([one for one in here if one.family == family]) for family in NAMES)
        if lstm is None or transformer is None:
            continue
        told = against(lstm, transformer)
        if told is not None and told.low is not None and told.high is not None:
            found.append(Versus(At(size, mode, batch, length), lstm, transformer, told.value, told.low, told.high))
    return found


def time_of(one: Measurement) -> Mean:
    """The median of a launch, over its launches; in seconds."""
    found = typical(rounds_of(one))
    assert found is not None  # it has a latency
    return found


def time_figure(what: str, one: Measurement) -> Figure:
    """That as a figure."""
    latency = latency_of(one)
    basis = f"{latency.launches} launches, {latency.samples} samples"
    return figures.measured(what, one.family, time_of(one), "seconds", basis)


def figure(one: Versus) -> Figure:
    """One ratio as a figure."""
    at = one.at
    basis = f"{way(one.lstm)} against {way(one.transformer)}, {latency_of(one.lstm).launches} launches"
    return figures.measured(f"LSTM over Transformer, {name_of(at)}", None, one, "ratio", basis)


def pooled(found: Sequence[Versus], what: str, reason: str) -> Figure:
    """The geometric mean of ratios at several lengths and sizes, each counting the same; ``reason`` where none is."""
    name = f"time of the LSTM over that of the Transformer in {what}, each at its best"
    if not found:
        return figures.missing(name, None, "ratio", reason)
    centre = sum(math.log(one.value) for one in found) / len(found)
    half = math.sqrt(sum(math.log(one.high / one.value) ** 2 for one in found)) / len(found)
    sizes = len({one.at.size for one in found})
    lengths = ", ".join(map(str, sorted({one.at.length for one in found})))
    return Figure(
        what=name,
        family=None,
        value=math.exp(centre),
        low=math.exp(centre - half),
        high=math.exp(centre + half),
        unit="ratio",
        basis=f"{sizes} sizes, length {lengths}, batch 1, one thread",
    )


def why_none(measured: Sequence[Measurement]) -> str:
    """Why there is no ratio of these: nothing valid of one family, or too few launches for an interval."""
    for family in NAMES:
        own = [one for one in measured if one.family == family]
        if fastest(own) is None:
            return f"no figure of the {family} is valid: {reason_of(own)}"
    return f"an interval needs {FEWEST_LAUNCHES} launches of each or more"


def reason_of(measured: Sequence[Measurement]) -> str:
    """The first warning of those that are not valid."""
    bad = next((one for one in measured if not one.valid), None)
    if bad is None:
        return "nothing was measured"
    return bad.warnings[0] if bad.warnings else "its measuring was disturbed"


def gain(family: str, one: Sequence[Measurement], several: Sequence[Measurement], share: int = 1) -> Figure:
    """The family's time in ``several`` over that in ``one``, of ``share`` sequences each, at the longest common length.

    Each at its best; below 1 is a gain.
    """
    what = "time against that without"
    length = max({each.length for each in one} & {each.length for each in several}, default=None)
    best = [fastest([each for each in side if each.length == length]) for side in (several, one)]
    if best[0] is None or best[1] is None:
        return figures.missing(what, family, "ratio", reason_of([*one, *several]))
    told = against(best[0], best[1])
    if told is None or told.low is None:
        return figures.missing(what, family, "ratio", f"an interval needs {FEWEST_LAUNCHES} launches or more")
    return figures.measured(what, family, told, "ratio", f"windows of {length}", times=1.0 / share)


def crossings(found: Sequence[Versus]) -> list[str]:
    """Where one family overtakes the other in each size: over lengths, and over batches where there are several."""
    lines = []
    for size in dict.fromkeys(one.at.size for one in found):
        windows = [one for one in found if one.at.size == size and one.at.mode == "window"]
        lines.append(_crossing([one for one in windows if one.at.batch == 1], "length", size))
        lines.append(_crossing(at_middle(windows), "batch", size))
        steps = [one for one in found if one.at.size == size and one.at.mode == "stream"]
        lines.append(_crossing(steps, "batch", size))
    return [line for line in lines if line is not None]


def at_middle(found: Sequence[Versus]) -> list[Versus]:
    """Those at the one length that has several batches."""
    several = {one.at.length for one in found if one.at.batch > 1}
    return [one for one in found if one.at.length in several]


def _crossing(found: Sequence[Versus], over: str, size: str) -> str | None:
    """In a sentence; None with fewer than two lengths or batches."""
    ratios = [Point(float(getattr(one.at, over)), one.value, one.low, one.high) for one in found]
    met = crossing(ratios, [Point(one.x, 1.0, 1.0, 1.0) for one in ratios])
    if met is None:
        return None
    least, most = (int(end(one.x for one in ratios)) for end in (min, max))
    what = "a step of a stream" if found[0].at.mode == "stream" else "windows"
    if over == "batch" and found[0].at.mode == "window":
        what += f" of {found[0].at.length}"
    head = f"In size {size}, over {what},"
    sides = {0: NAMES[LSTM], 1: NAMES[TRANSFORMER], None: None}
    before, after = sides[met.below_before], sides[met.below_after]
    if met.x is None and before is not None and before == after:
        return f"{head} the {before} is the faster from {over} {least} to {most}."
    if met.x is None or (before is None and after is None):
        return f"{head} no crossover can be told from {over} {least} to {most}."
    low = f"below {least}" if met.low is None else f"{met.low:.0f}"
    high = f"above {most}" if met.high is None else f"{met.high:.0f}"
    overtaker = after or next(name for name in NAMES.values() if name != before)
    again = f"; they cross {met.crossings} times, this is the first" if met.crossings > 1 else ""
    return f"{head} the {overtaker} overtakes at {over} {met.x:.0f} [{low}, {high}]{again}."


def name_of(at: At) -> str:
    """``small window of 64, batch 1``."""
    return f"{at.size} {at.mode} of {at.length}, batch {at.batch}"


def way(one: Measurement) -> str:
    """How a file was run."""
    return f"{one.target} {one.precision}" + ("" if one.threads == 1 else f", {one.threads} threads")
