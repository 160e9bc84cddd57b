"""The tables and plots of the speed round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgekit.rounds.contract import Curve, Plot, Table
from edgekit.rounds.speed.racing import Versus, at_middle, figure, name_of, time_of, way
from edgekit.rounds.words import figure_text
from edgekit.statistics.means import Mean
from edgekit.terminal.format import NOT_MEASURED, interval, seconds
from edgekit_targets.types.manifest import REFERENCE_PAIR
from edgekit_targets.types.profile import Measurement


def versus_table(found: Sequence[Versus]) -> Table:
    """Both families wherever they were held against each other."""
    return Table(
        title="Each family at its best (target and precision), one thread: median time of one inference",
        columns=("size, mode, length, batch", "lstm", "transformer", "lstm / transformer"),
        rows=tuple(
            (
                name_of(one.at),
                f"{_time(one.lstm)} ({way(one.lstm)})",
                f"{_time(one.transformer)} ({way(one.transformer)})",
                figure_text(figure(one)),
            )
            for one in found
        ),
    )


def ways_table(measured: Mapping[str, Sequence[Measurement]]) -> Table:
    """Every target, precision and thread count at the longest length, where they differ most: one row a model."""
    ways: dict[str, None] = {}
    cells: dict[str, dict[str, str]] = {}
    for size, own in measured.items():
        longest = max((one.length for one in own if one.mode == "window"), default=0)
        for one in own:
            if one.batch == 1 and (one.mode == "stream" or one.length == longest):
                name = f"{one.family} {size}, " + ("a step" if one.mode == "stream" else f"a window of {longest}")
                ways[way(one)] = None
                cells.setdefault(name, {})[way(one)] = _time(one) if one.valid else "not valid"
    return Table(
        title="Targets, precisions and threads at the longest length: median time of one inference",
        columns=("model", *ways),
        rows=tuple((name, *(own.get(each, "–") for each in ways)) for name, own in sorted(cells.items())),
    )


def plots(found: Sequence[Versus], size: str) -> list[Plot]:
    """Time over the length and over the batch, in one size."""
    windows = [one for one in found if (one.at.size, one.at.mode) == (size, "window")]
    steps = [one for one in found if (one.at.size, one.at.mode) == (size, "stream")]
    drawn = []
    for over, label in (("length", "steps of one sequence"), ("batch", "sequences at once")):
        held = [one for one in windows if one.at.batch == 1] if over == "length" else at_middle(windows)
        curves = []
        for family in REFERENCE_PAIR:
            points = [(getattr(one.at, over), time_of(one.of(family))) for one in held]
            if len(points) > 1:
                curves.append(_curve(f"{family} window", family, points, dashed=False))
            flat = [one for one in steps if one.at.batch == 1] if over == "length" else steps
            if flat and points:
                streams = [(getattr(one.at, over), time_of(one.of(family))) for one in flat]
                if over == "length":  # a step does not depend on a length: its line is flat
                    streams = [(x, streams[0][1]) for x, _ in points]
                curves.append(_curve(f"{family} step", family, streams, dashed=True))
        if curves:
            drawn.append(
                Plot(
                    key=f"speed-{over}",
                    title=f"Time over the {over}",
                    caption=f"In size {size}, each at its best; hollow: one step of a stream.",
                    x_label=label,
                    y_label="p50",
                    curves=tuple(curves),
                    y_log=True,
                    y_unit="seconds",
                )
            )
    return drawn


def _time(one: Measurement) -> str:
    if one.latency is None:
        return NOT_MEASURED
    found = time_of(one)
    return interval(found.value, found.low, found.high, seconds)


def _curve(name: str, family: str, points: Sequence[tuple[int, Mean]], *, dashed: bool) -> Curve:
    ordered = sorted(points, key=lambda point: point[0])
    return Curve(
        name=name,
        family=family,
        x=tuple(float(x) for x, _ in ordered),
        y=tuple(one.value for _, one in ordered),
        low=tuple(one.low for _, one in ordered),
        high=tuple(one.high for _, one in ordered),
        dashed=dashed,
    )
