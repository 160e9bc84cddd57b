"""Round 2, computation speed: latency over length and batch, in both modes, each family at its best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from edgekit.rounds import figures
from edgekit.rounds.bundles import Wanted, bundles
from edgekit.rounds.context import Context
from edgekit.rounds.contract import TRANSFORMER, Aspect, Family, Figure, Round
from edgekit.rounds.forecast import Stages, exporting, measuring
from edgekit.rounds.speed.demo import demo
from edgekit.rounds.speed.racing import (
    NAMES,
    At,
    Versus,
    crossings,
    figure,
    gain,
    name_of,
    pooled,
    reason_of,
    time_figure,
    versus,
    way,
    why_none,
)
from edgekit.rounds.speed.shown import plots, versus_table, ways_table
from edgekit.rounds.timing import CLOSED
from edgekit.rounds.words import figure_text
from edgekit_targets.types.manifest import MODES, REFERENCE_PAIR, Mode
from edgekit_targets.types.profile import Measurement

NAME = "speed"
TITLE = "Computation speed"
CLAIM = "the Transformer is parallel, the LSTM sequential"
Measured = Mapping[str, Sequence[Measurement]]
"""By size."""


def check(context: Context) -> None:
    """Nothing that the user gives can make this round impossible."""


def stages(context: Context) -> Stages:
    """What is done, and about how long it takes."""
    effort = context.effort

    def taken(subjects: int) -> float:
        return measuring(effort.speed_targets, subjects, effort.speed_plan)

    steps = len(REFERENCE_PAIR) * len(effort.precisions)
    windows = steps * len(effort.lengths)
    found = {"speed: export": exporting(context, 2 * steps * len(effort.sizes))}
    for size in effort.sizes:
        name = f"measure speed-{size.name}"
        found[name] = taken(windows + steps)
        if effort.parallel_everywhere or size is effort.sizes[-1]:
            cores = windows if effort.parallel_everywhere else steps
            found[f"{name}, batches"] = taken(2 * steps * (len(effort.batches) - 1))
            found[f"{name}, all cores"] = taken(cores + steps)
    return found | {
        "speed: the demo's layers in PyTorch": 2.5 * effort.speed_plan.launches,
        "speed: export the demo's layers": exporting(context, 2),
        "measure layers": taken(2),
    }


def play(context: Context) -> Round:
    """Measure every size of both families; a family wins where it is faster in windows and in streams.

    The claim holds where the Transformer is faster in windows at the longest length, over all sizes.
    """
    measured = _measure(context)
    single = {size: [one for one in own if one.threads == 1] for size, own in measured.items()}
    every = [one for size, own in single.items() for one in versus(size, own)]
    window = _over(every, single, "window", "windows")
    stream = _over(every, single, "stream", "streams")
    longest = max(context.effort.lengths)
    at_longest = _over(every, single, "window", f"windows of {longest}", length=longest)
    sides = {mode: _ahead(one) for mode, one in (("window", window), ("stream", stream))}
    known = window.value is not None and stream.value is not None
    winner = sides["window"] if sides["window"] == sides["stream"] else None
    table, demo_figures = demo(context)
    lines = crossings(every)
    return Round(
        name=NAME,
        title=TITLE,
        claim=CLAIM,
        winner=winner if known else None,
        tie=known and winner is None,
        holds=None if at_longest.value is None else _ahead(at_longest) == TRANSFORMER,
        sentence=_sentence(window, stream, at_longest, lines),
        deciding=window,
        evidence=(
            window,
            stream,
            at_longest,
            *map(figure, every),
            *[_p50(size, one) for size, own in measured.items() for one in own],
            *demo_figures,
        ),
        tables=(table, versus_table(every), ways_table(measured)),
        plots=tuple(plots(every, context.effort.sizes[-1].name)),
        aspects=(
            _speed_aspect(context, every, single, "window", window),
            _speed_aspect(context, every, single, "stream", stream),
            *_parallel_aspects(context, measured),
        ),
        notes=(*lines, *_notes(context, measured)),
    )


def _measure(context: Context) -> dict[str, list[Measurement]]:
    """Lengths at batch 1, batches at the middle length, and every core too; what was measured already is reused."""
    effort = context.effort
    wanted = [
        Wanted(name=f"speed-{size.name}", settings=size.settings, modes=MODES, precisions=effort.precisions)
        for size in effort.sizes
    ]
    folders = bundles(context, wanted, "speed: export")
    middle = effort.lengths[len(effort.lengths) // 2]
    with context.connect() as agent:
        cores = agent.hello().device.cores
    profile = partial(context.profile, plan=effort.speed_plan, targets=effort.speed_targets, pace=CLOSED)
    found = {}
    for size, bundle in zip(effort.sizes, folders, strict=True):
        profiles = [profile(bundle, lengths=effort.lengths, batches=(1,))]
        if effort.parallel_everywhere or size is effort.sizes[-1]:
            profiles.append(profile(bundle, ", batches", lengths=(middle,), batches=effort.batches))
            if cores > 1:
                lengths = effort.lengths if effort.parallel_everywhere else effort.lengths[-1:]
                profiles.append(profile(bundle, ", all cores", lengths=lengths, batches=(1,), threads=(cores,)))
        # The figures at the middle length and batch 1 are in two of them, reused, and count once.
        seen = {_where(one): one for profile in reversed(profiles) for one in profile.measurements}
        found[size.name] = list(seen.values())
    return found


def _where(one: Measurement) -> tuple[object, ...]:
    return one.artifact, one.target, one.threads, one.batch, one.length


def _over(every: Sequence[Versus], measured: Measured, mode: Mode, what: str, length: int | None = None) -> Figure:
    """Over all sizes and lengths, or at one length, batch 1; missing where one of them is: it would be another mean."""
    wanted, reasons = [], []
    for size, own in measured.items():
        here = [one for one in own if (one.mode, one.batch) == (mode, 1) and (length is None or one.length == length)]
        for at in sorted({one.length for one in here}):
            found = [one for one in every if one.at == At(size, mode, 1, at)]
            wanted += found
            if not found:
                why = why_none([one for one in here if one.length == at])
                reasons.append(f"{name_of(At(size, mode, 1, at))}: {why}")
    return pooled([] if reasons else wanted, what, reasons[0] if reasons else "nothing was measured")


def _ahead(ratio: Figure) -> Family | None:
    return figures.ahead(ratio.low, ratio.high, even=1.0, more_is=TRANSFORMER)


def _p50(size: str, one: Measurement) -> Figure:
    what = f"p50 of {one.family} {size}, {one.mode} of {one.length}, batch {one.batch}, {way(one)}"
    if one.latency is None or not one.valid:
        return figures.missing(what, one.family, "seconds", reason_of([one]))
    return time_figure(what, one)


def _sentence(window: Figure, stream: Figure, at_longest: Figure, lines: Sequence[str]) -> str:
    if window.value is None and stream.value is None:
        return f"The two could not be compared: {window.reason}."
    told = [
        f"{where} {figure_text(one)}"
        for where, one in (
            ("in windows", window),
            ("at the longest length", at_longest),
            ("for a step of a stream", stream),
        )
        if one.value is not None
    ]
    missing = [
        f" In {what} it was not measured: {one.reason}."
        for what, one in (("windows", window), ("streams", stream))
        if one.value is None
    ]
    return (
        f"The LSTM's time over the Transformer's is {', '.join(told)}."
        + _split(window, stream)
        + "".join(missing)
        + "".join(f" {line}" for line in lines[:1])
    )


def _split(window: Figure, stream: Figure) -> str:
    """Why there is no winner although a ratio of one mode is on one side."""
    first, second = _ahead(window), _ahead(stream)
    if first == second or window.value is None or stream.value is None:
        return ""
    told = [f"the {NAMES[one]}" if one else "neither" for one in (first, second)]
    return f" It takes both modes to win: {told[0]} is the faster in windows, {told[1]} in streams."


def _speed_aspect(context: Context, every: Sequence[Versus], measured: Measured, mode: Mode, over: Figure) -> Aspect:
    size = context.effort.sizes[-1].name
    own = [one for one in every if (one.at.size, one.at.mode, one.at.batch) == (size, mode, 1)]
    name = f"speed: {'a window' if mode == 'window' else 'a step of a stream'}, p50"
    if not own:
        why = why_none([one for one in measured[size] if one.mode == mode])
        gone = [figures.missing(name, family, "seconds", why) for family in REFERENCE_PAIR]
        return Aspect(name=name, lstm=gone[0], transformer=gone[1], winner=None)
    last = max(own, key=lambda one: one.at.length)
    ratio = figure(last)
    lstm, transformer = (time_figure(name, last.of(family)) for family in REFERENCE_PAIR)
    return Aspect(
        name=name,
        lstm=lstm,
        transformer=transformer,
        winner=_ahead(ratio),
        difference=ratio,
        note=f"{name_of(last.at)}: lstm / transformer {figure_text(ratio)}; over all lengths and sizes "
        f"{figure_text(over)}",
    )


def _parallel_aspects(context: Context, measured: Measured) -> list[Aspect]:
    """What a family gains from sequences at once, and from more cores: time against that without, below 1 is a gain."""
    size = context.effort.sizes[-1].name
    own = [one for one in measured[size] if one.mode == "window"]
    most, cores = max(context.effort.batches), max(one.threads for one in own)
    alone = {family: [one for one in own if (one.family, one.threads) == (family, 1)] for family in REFERENCE_PAIR}
    gains = {
        f"parallelisation: time per sequence, {most} at once against 1": [
            gain(
                family,
                [one for one in each if one.batch == 1],
                [one for one in each if one.batch == most],
                most,
            )
            for family, each in alone.items()
        ]
    }
    if cores > 1:
        gains[f"parallelisation: time on {cores} threads against 1"] = [
            gain(
                family,
                [one for one in each if one.batch == 1],
                [one for one in own if (one.family, one.threads, one.batch) == (family, cores, 1)],
            )
            for family, each in alone.items()
        ]
    return [
        Aspect(
            name=name,
            lstm=lstm,
            transformer=transformer,
            winner=figures.smaller(lstm, transformer),
            note=f"{size}; below 1 is a gain; {lstm.basis}" if lstm.value is not None else None,
        )
        for name, (lstm, transformer) in gains.items()
    ]


def _notes(context: Context, measured: Measured) -> list[str]:
    every = [one for own in measured.values() for one in own]
    notes = [
        "Weights are random: time does not depend on them. Sizes have about equal parameters; a closed loop, batch 1 "
        "unless said otherwise. Times are medians of launches, and their mean; ratios are of rounds in which "
        "both were measured, launch by launch."
    ]
    if context.effort.speed_targets:
        notes.append(f"Measured on {', '.join(context.effort.speed_targets)} alone.")
    bad = sum(not one.valid for one in every)
    if bad:
        notes.append(f"{bad} measurements are not valid and count for nothing; run again with --force to repeat them.")
    return notes
