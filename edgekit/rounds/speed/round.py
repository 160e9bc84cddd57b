"""Round 2, computation speed: latency over length and batch, in both modes, each family at its best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.decision.words import crossover_text
from edgekit.rounds import figures
from edgekit.rounds.context import Context
from edgekit.rounds.contract import LSTM, TRANSFORMER, Aspect, Curve, Family, Figure, Plot, Round, Table
from edgekit.rounds.speed.demo import demo
from edgekit.rounds.timing import CLOSED
from edgekit.rounds.words import figure_text
from edgekit.statistics.ratios import log_half_width
from edgekit.terminal.format import NOT_MEASURED, interval, seconds
from edgekit_targets.types.manifest import MODES, REFERENCE_PAIR, Mode
from edgekit_targets.types.profile import Latency, Measurement, Profile

NAME = "speed"
TITLE = "Computation speed"
CLAIM = "the Transformer is parallel, the LSTM sequential"


@dataclass(frozen=True)
class At:
    """Where both families are held against each other."""

    size: str
    mode: Mode
    batch: int
    length: int


@dataclass(frozen=True)
class Versus:
    """The LSTM's median over the Transformer's, each in its fastest way to run; above 1 the Transformer is faster."""

    at: At
    lstm: Measurement
    transformer: Measurement
    value: float
    low: float
    high: float


def check(context: Context) -> None:
    """Nothing that the user gives can make this round impossible."""


def play(context: Context) -> Round:
    """Measure every size of both families; a family wins where it is faster in windows and in streams.

    The claim holds where the Transformer is faster in windows at the longest length, over all sizes.
    """
    profiles = {size.name: _profiles(context, size.name, size.settings) for size in context.effort.sizes}
    measured = {size: [one for found in own for one in found.measurements] for size, own in profiles.items()}
    single = {size: [one for one in own if one.threads == 1] for size, own in measured.items()}
    versus = [one for size, own in single.items() for one in _versus(size, own)]
    window = _pooled([one for one in versus if one.at.mode == "window" and one.at.batch == 1], "windows")
    stream = _pooled([one for one in versus if one.at.mode == "stream" and one.at.batch == 1], "streams")
    longest = max(context.effort.lengths)
    at_longest = _pooled(
        [one for one in versus if one.at.mode == "window" and one.at.batch == 1 and one.at.length == longest],
        f"windows of {longest}",
    )
    sides = [figures.ahead(one.low, one.high, even=1.0, more_is=TRANSFORMER) for one in (window, stream)]
    known = window.value is not None and stream.value is not None
    winner = sides[0] if sides[0] == sides[1] else None
    table, demo_figures = demo(context)
    crossings = [f"{size}: {line}" for size, own in profiles.items() for line in _crossings(own)]
    return Round(
        name=NAME,
        title=TITLE,
        claim=CLAIM,
        winner=winner if known else None,
        tie=known and winner is None,
        holds=None
        if at_longest.value is None
        else figures.ahead(at_longest.low, at_longest.high, even=1.0, more_is=TRANSFORMER) == TRANSFORMER,
        sentence=_sentence(window, stream, at_longest, crossings),
        deciding=window,
        evidence=(
            window,
            stream,
            at_longest,
            *[_figure(one) for one in versus],
            *[_p50(size, one) for size, own in measured.items() for one in own],
            *demo_figures,
        ),
        tables=(table, _versus_table(versus), _ways_table(measured)),
        plots=tuple(_plots(context, single)),
        aspects=(
            _speed_aspect(context, versus, "window", window, sides[0]),
            _speed_aspect(context, versus, "stream", stream, sides[1]),
            *_parallel_aspects(context, measured),
        ),
        notes=(*crossings, *_notes(context, measured)),
    )


def _profiles(context: Context, name: str, settings: object) -> list[Profile]:
    """Lengths at batch 1, batches at the middle length, and every core too; what was measured already is reused."""
    effort = context.effort
    bundle = context.bundle(
        f"speed-{name}",
        models=REFERENCE_PAIR,
        settings=settings,  # type: ignore[arg-type]
        modes=MODES,
        precisions=effort.precisions,
    )
    middle = effort.lengths[len(effort.lengths) // 2]
    asked = {"targets": effort.speed_targets, "pace": CLOSED}
    found = [context.profile(bundle, lengths=effort.lengths, batches=(1,), **asked)]
    found.append(context.profile(bundle, lengths=(middle,), batches=effort.batches, **asked))
    with context.connect() as agent:
        cores = agent.hello().device.cores
    if cores > 1 and (effort.all_threads or name == effort.sizes[-1].name):
        at = effort.lengths if effort.all_threads else effort.lengths[-1:]
        found.append(context.profile(bundle, lengths=at, batches=(1,), threads=(cores,), **asked))
    return found


def _versus(size: str, measured: Sequence[Measurement]) -> list[Versus]:
    best: dict[tuple[At, str], tuple[Latency, Measurement]] = {}
    for one in measured:
        # A median that the samples do not bound would make a ratio look surer than it is.
        if not one.valid or one.latency is None or not bounded(one.latency):
            continue
        key = At(size, one.mode, one.batch, one.length), one.family
        if key not in best or one.latency.p50_seconds < best[key][0].p50_seconds:
            best[key] = (one.latency, one)
    found = []
    for at in sorted({key[0] for key in best}, key=lambda at: (at.mode, at.batch, at.length)):
        if (at, LSTM) in best and (at, TRANSFORMER) in best:
            (mine, lstm), (theirs, transformer) = best[at, LSTM], best[at, TRANSFORMER]
            value = mine.p50_seconds / theirs.p50_seconds
            half = math.hypot(_half(mine), _half(theirs))
            found.append(Versus(at, lstm, transformer, value, value * math.exp(-half), value * math.exp(half)))
    return found


def bounded(one: Latency) -> bool:
    """Whether the median has an interval with two ends."""
    return one.p50_low_seconds is not None and one.p50_high_seconds is not None


def _half(one: Latency) -> float:
    return log_half_width(one.p50_seconds, one.p50_low_seconds, one.p50_high_seconds)


def _pooled(found: Sequence[Versus], what: str) -> Figure:
    """The geometric mean of ratios at several lengths and sizes, each counting the same."""
    name = f"time of the LSTM over that of the Transformer in {what}, each at its best"
    if not found:
        return figures.missing(name, None, "ratio", "no valid figure of both; the machine was too busy")
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
        basis=f"{sizes} sizes, lengths {lengths}, batch 1, one thread",
    )


def _figure(one: Versus) -> Figure:
    at = one.at
    return Figure(
        what=f"LSTM over Transformer, {at.size}, {at.mode} of {at.length}, batch {at.batch}",
        family=None,
        value=one.value,
        low=one.low,
        high=one.high,
        unit="ratio",
        basis=f"{way(one.lstm)} against {way(one.transformer)}",
    )


def way(one: Measurement) -> str:
    """How a file was run."""
    return f"{one.target} {one.precision}" + ("" if one.threads == 1 else f", {one.threads} threads")


def _p50(size: str, one: Measurement) -> Figure:
    what = f"p50 of {one.family} {size}, {one.mode} of {one.length}, batch {one.batch}, {way(one)}"
    if one.latency is None or not one.valid:
        return figures.missing(what, one.family, "seconds", one.warnings[0] if one.warnings else "not valid")
    return figures.p50(what, one.family, one.latency, f"{one.latency.launches} launches, {one.latency.samples} samples")


def _crossings(profiles: Sequence[Profile]) -> list[str]:
    """Where one family overtakes the other, each at its best, over lengths and batches."""
    found = []
    for profile in profiles:
        for one in profile.crossovers:
            pair = set(one.families) == set(REFERENCE_PAIR)
            if pair and one.modes[0] == one.modes[1] and one.target is None and one.longest > one.shortest:
                found.append(crossover_text(one))
    return list(dict.fromkeys(found))


def _sentence(window: Figure, stream: Figure, at_longest: Figure, crossings: Sequence[str]) -> str:
    told = [] if window.value is None else crossings[:1]  # what no interval bounds is no ground for a crossing
    return (
        f"The LSTM's time over the Transformer's: in windows {figure_text(window)}; at the longest length "
        f"{figure_text(at_longest)}; for a step of a stream {figure_text(stream)}."
        + "".join(f" {line.rstrip('.')}." for line in told)
    )


def _versus_table(versus: Sequence[Versus]) -> Table:
    return Table(
        title="Each family at its best (target and precision), one thread: median time of one inference",
        columns=("size, mode, length, batch", "lstm", "transformer", "lstm / transformer"),
        rows=tuple(
            (
                f"{one.at.size} {one.at.mode}, length {one.at.length}, batch {one.at.batch}",
                f"{_time(one.lstm)} ({way(one.lstm)})",
                f"{_time(one.transformer)} ({way(one.transformer)})",
                figure_text(_figure(one)),
            )
            for one in versus
        ),
    )


def _ways_table(measured: dict[str, list[Measurement]]) -> Table:
    """Every target, precision and thread count at the longest length, where they differ most."""
    rows = []
    for size, own in measured.items():
        longest = max((one.length for one in own if one.mode == "window"), default=0)
        for one in own:
            if one.batch == 1 and (one.mode == "stream" or one.length == longest):
                shown = _time(one) if one.valid else f"not valid: {one.warnings[0] if one.warnings else 'disturbed'}"
                rows.append((f"{one.family} {size} {one.mode}, length {one.length}", way(one), shown))
    return Table(
        title="Targets, precisions and threads at the longest length: median time of one inference",
        columns=("model", "run by", "p50"),
        rows=tuple(dict.fromkeys(sorted(rows))),
    )


def _time(one: Measurement) -> str:
    if one.latency is None:
        return NOT_MEASURED
    return interval(one.latency.p50_seconds, one.latency.p50_low_seconds, one.latency.p50_high_seconds, seconds)


def _plots(context: Context, measured: dict[str, list[Measurement]]) -> list[Plot]:
    versus = {size: _versus(size, own) for size, own in measured.items()}
    largest = context.effort.sizes[-1].name
    found = []
    for over, label in (("length", "steps of one sequence"), ("batch", "sequences at once")):
        curves = []
        for family in REFERENCE_PAIR:
            own = [one for one in versus[largest] if one.at.mode == "window"]
            held = [one for one in own if one.at.batch == 1] if over == "length" else _at_middle(own)
            points = [(getattr(one.at, over), _side(one, family)) for one in held]
            if len(points) > 1:
                curves.append(_curve(f"{family} window", family, points, dashed=False))
            steps = [one for one in versus[largest] if one.at.mode == "stream"]
            flat = [one for one in steps if one.at.batch == 1] if over == "length" else steps
            if flat and points:
                streams = [(getattr(one.at, over), _side(one, family)) for one in flat]
                if over == "length":  # a step does not depend on a length: its line is flat
                    streams = [(x, streams[0][1]) for x, _ in points]
                curves.append(_curve(f"{family} step", family, streams, dashed=True))
        if curves:
            found.append(
                Plot(
                    key=f"speed-{over}",
                    title=f"Time over the {over}",
                    caption=f"In size {largest}, each at its best; hollow: one step of a stream.",
                    x_label=label,
                    y_label="p50",
                    curves=tuple(curves),
                    y_log=True,
                    y_unit="seconds",
                )
            )
    return found


def _at_middle(found: Sequence[Versus]) -> list[Versus]:
    """Those at the one length that has several batches."""
    several = {one.at.length for one in found if one.at.batch > 1}
    return [one for one in found if one.at.length in several]


def _side(one: Versus, family: str) -> Latency:
    latency = (one.lstm if family == LSTM else one.transformer).latency
    assert latency is not None
    return latency


def _curve(name: str, family: str, points: Sequence[tuple[int, Latency]], *, dashed: bool) -> Curve:
    ordered = sorted(points, key=lambda point: point[0])
    return Curve(
        name=name,
        family=family,
        x=tuple(float(x) for x, _ in ordered),
        y=tuple(one.p50_seconds for _, one in ordered),
        low=tuple(one.p50_low_seconds for _, one in ordered),
        high=tuple(one.p50_high_seconds for _, one in ordered),
        dashed=dashed,
    )


def _speed_aspect(
    context: Context, versus: Sequence[Versus], mode: Mode, pooled: Figure, winner: Family | None
) -> Aspect:
    size = context.effort.sizes[-1].name
    own = [one for one in versus if (one.at.size, one.at.mode, one.at.batch) == (size, mode, 1)]
    name = f"speed: {'a window' if mode == 'window' else 'a step of a stream'}, p50"
    if not own:
        gone = [figures.missing(name, family, "seconds", "the machine was too busy") for family in REFERENCE_PAIR]
        return Aspect(name=name, lstm=gone[0], transformer=gone[1], winner=None)
    last = max(own, key=lambda one: one.at.length)
    sides = [
        figures.p50(name, family, _side(last, family), f"{size}, length {last.at.length}") for family in REFERENCE_PAIR
    ]
    return Aspect(
        name=name,
        lstm=sides[0],
        transformer=sides[1],
        winner=winner,
        difference=pooled,
        note=f"{size}, length {last.at.length}; over all lengths and sizes {figure_text(pooled)}",
    )


def _parallel_aspects(context: Context, measured: dict[str, list[Measurement]]) -> list[Aspect]:
    """What a family gains from sequences at once, and from more cores: time against that without, below 1 is a gain."""
    size = context.effort.sizes[-1].name
    own = [
        one
        for one in measured[size]
        if one.mode == "window" and one.valid and one.latency is not None and bounded(one.latency)
    ]
    most, cores = max(context.effort.batches), max((one.threads for one in own), default=1)
    longest = max(context.effort.lengths)
    found = []
    gains = {
        f"parallelisation: time per sequence, {most} at once against 1": [
            _gain(
                family,
                [one for one in own if one.family == family and one.threads == 1 and one.batch == 1],
                [one for one in own if one.family == family and one.threads == 1 and one.batch == most],
                most,
            )
            for family in REFERENCE_PAIR
        ],
        f"parallelisation: time on {cores} threads against 1": [
            _gain(
                family,
                [one for one in own if (one.family, one.threads, one.batch, one.length) == (family, 1, 1, longest)],
                [one for one in own if (one.family, one.threads, one.batch, one.length) == (family, cores, 1, longest)],
                1,
            )
            for family in REFERENCE_PAIR
        ],
    }
    for name, (lstm, transformer) in gains.items():
        found.append(
            Aspect(
                name=name,
                lstm=lstm,
                transformer=transformer,
                winner=_smaller(lstm, transformer),
                note=f"{size}; below 1 is a gain; {lstm.basis}" if lstm.value is not None else None,
            )
        )
    return found


def _gain(family: str, one: Sequence[Measurement], several: Sequence[Measurement], share: int) -> Figure:
    """The best of ``several`` over the best of ``one`` at their longest common length, per sequence."""
    what = "time against that without"
    common = {each.length for each in one} & {each.length for each in several}
    if not common:
        return figures.missing(what, family, "ratio", "no valid figure of both; one core, or a busy machine")
    length = max(common)
    sides = [
        min(
            (each.latency for each in side if each.length == length and each.latency), key=lambda each: each.p50_seconds
        )
        for side in (several, one)
    ]
    value = sides[0].p50_seconds / share / sides[1].p50_seconds
    half = math.hypot(_half(sides[0]), _half(sides[1]))
    return Figure(
        what=what,
        family=family,
        value=value,
        low=value * math.exp(-half),
        high=value * math.exp(half),
        unit="ratio",
        basis=f"windows of {length}",
    )


def _smaller(lstm: Figure, transformer: Figure) -> Family | None:
    if lstm.high is None or transformer.low is None or lstm.low is None or transformer.high is None:
        return None
    if lstm.high < transformer.low:
        return LSTM
    return TRANSFORMER if transformer.high < lstm.low else None


def _notes(context: Context, measured: dict[str, list[Measurement]]) -> list[str]:
    bad = sum(not one.valid for own in measured.values() for one in own)
    notes = [
        "Weights are random: time does not depend on them. Sizes have about equal parameters; a closed loop, batch 1 "
        "unless said otherwise.",
    ]
    loose = sum(
        one.valid and one.latency is not None and not bounded(one.latency) for own in measured.values() for one in own
    )
    if loose:
        notes.append(f"{loose} medians are not bounded on both sides by their samples and are left out of every ratio.")
    if bad:
        notes.append(f"{bad} measurements are not valid and count for nothing; run again with --force to repeat them.")
    return notes
