"""How much of each limit a candidate uses, at the unfavourable end of the interval; 100 % is the limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.lines import Line2D

from edgekit.report.evidence import Evidence, Row
from edgekit.report.plots import strips
from edgekit.report.plots.canvas import BAD, FONT_POINTS, GOOD, INK, PAPER, UNSURE
from edgekit.report.plots.contract import Drawing, Omitted
from edgekit.report.plots.scales import linear_axis
from edgekit.report.text import shorten
from edgekit.terminal.format import SYMBOLS, number, percent
from edgekit_targets.types.verdict import Constraint, Status

_KEY, _TITLE = "budget-use", "How much of the budget is used"
_SHAPES = ("o", "s", "^", "D", "v", "P", "X")
_WIDEST = 1.6
_CHARACTERS = 44
"""Of a name and the words behind it, at the width of a figure."""


@dataclass(frozen=True)
class Use:
    """The share of a limit that is used: 1 is the limit, more breaks it. At the value, and at the unfavourable end."""

    name: str
    value: float
    worst: float
    status: Status


def use_of(constraint: Constraint, *, upper: bool) -> Use | None:
    """One minus the constraint's margin; None where it was not measured or the limit is 0.

    For an upper limit that is value / limit, for a lower one 2 - value / limit: the same distance to the limit counts
    the same on both sides, as in the verdict's margins.
    """
    if constraint.value is None or constraint.limit == 0:
        return None
    end = constraint.high if upper else constraint.low
    ends = [value / constraint.limit for value in (constraint.value, constraint.value if end is None else end)]
    value, worst = ends if upper else (2 - ends[0], 2 - ends[1])
    return Use(constraint.name, value, worst, constraint.status)


def draw(evidence: Evidence, rows: Sequence[Row]) -> Drawing | Omitted:
    """One strip a candidate: a bar to its tightest limit, a mark for each."""
    uses = {row.number: _uses(evidence, row) for row in rows}
    judged = [row for row in rows if uses[row.number]]
    drawn = strips.shown(judged)
    if not drawn:
        reason = "There is no verdict with a measured limit yet." if evidence.limits else "No budget was given."
        return Omitted(key=_KEY, title=_TITLE, reason=reason)
    limits = list(dict.fromkeys(use.name for row in drawn for use in uses[row.number]))
    edge = min(max(1.1, *(use.worst for row in drawn for use in uses[row.number])) * 1.03, _WIDEST)
    figure, axes = strips.strips(drawn, [_name(row, _state(row, uses[row.number])) for row in drawn])
    linear_axis(axes, "x", 0.0, edge * 100, unit="")
    axes.set_xlabel("share of the limit used (%)")
    strips.limit_line(axes, drawn, 100.0, "the limit")
    shape_of = {name: _SHAPES[index % len(_SHAPES)] for index, name in enumerate(limits)}
    for index, row in enumerate(drawn):
        y = -index - 0.1
        tightest = _tightest(uses[row.number])
        width = min(max(tightest.worst, 0.0), edge) * 100
        color, hatch = _look(row)
        axes.barh(y, width, height=0.3, color=color, alpha=0.3, linewidth=0)
        axes.barh(y, width, height=0.3, fill=False, edgecolor=color, linewidth=0.9, hatch=hatch)
        for use in uses[row.number]:
            at = min(max(use.value, 0.0), edge) * 100
            axes.plot(
                [at],
                [y],
                marker=shape_of[use.name],
                markersize=6,
                markerfacecolor=PAPER,
                markeredgecolor=INK,
                markeredgewidth=1.2,
                zorder=5,
                clip_on=False,
            )
    lines = [
        Line2D([], [], marker=shape, markersize=6, markerfacecolor=PAPER, markeredgecolor=INK, linestyle="none")
        for shape in shape_of.values()
    ]
    figure.legend(
        lines,
        [shorten(name, 15) for name in shape_of],
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=4,
        frameon=False,
        borderpad=0,
        borderaxespad=0.1,
        handletextpad=0.1,
        handlelength=1.4,
        columnspacing=0.8,
        fontsize=FONT_POINTS - 0.5,
    )
    caption = _caption(judged, uses) + strips.left_out(judged)
    return Drawing(
        key=_KEY,
        title=_TITLE,
        caption=caption,
        description=(
            "One strip a candidate: a bar to the limit it comes closest to, at the unfavourable end of the "
            "interval, hatched where the candidate fails a limit, striped lengthwise where one is open, and a mark at "
            "the value of each limit, in percent of the limit."
        ),
        figure=figure,
    )


def _uses(evidence: Evidence, row: Row) -> list[Use]:
    if row.candidate is None:
        return []
    upper = {limit.name: limit.upper for limit in evidence.limits}
    found = [use_of(one, upper=upper.get(one.name, True)) for one in row.candidate.constraints]
    return [use for use in found if use is not None]


def _tightest(uses: Sequence[Use]) -> Use:
    return max(uses, key=lambda use: use.worst)


def _name(row: Row, state: str) -> str:
    return f"{row.short(_CHARACTERS - len(state))}  {state}"


def _look(row: Row) -> tuple[str, str | None]:
    """Colour and hatching, so that what fails and what is open differ without colour too."""
    if row.candidate is None or not row.candidate.valid or row.candidate.status == "fail":
        return BAD, "////"
    return (GOOD, None) if row.candidate.status == "pass" else (UNSURE, "----")


def _state(row: Row, uses: Sequence[Use]) -> str:
    """How much room is left or missing at the tightest limit, or else what keeps the candidate from fitting."""
    candidate, tightest = row.candidate, _tightest(uses)
    if candidate is None or not candidate.valid:
        return f"{SYMBOLS['fail']} not valid"
    if candidate.status == "pass":
        return f"{SYMBOLS['pass']} {_room(tightest)}"
    failed = [use for use in uses if use.status == "fail"]
    if failed:
        return f"{SYMBOLS['fail']} {_room(_tightest(failed))}"
    word = {"fail": "fails", "undecided": "open:", "unmeasured": "no"}[candidate.status]
    name = next(one.name for one in candidate.constraints if one.status == candidate.status)
    return f"{SYMBOLS[candidate.status]} {word} {shorten(name, 10)}"


def _room(use: Use) -> str:
    room = f"{number(abs(use.worst - 1) * 100, digits=2)} %"
    return f"{room} beyond" if use.worst > 1 else f"{room} left"


def _caption(judged: Sequence[Row], uses: dict[int, list[Use]]) -> str:
    inside = [row for row in judged if row.candidate and row.candidate.valid and row.candidate.status == "pass"]
    row = next((row for row in judged if row.picked), None) or min(
        judged, key=lambda one: _tightest(uses[one.number]).worst
    )
    tightest = _tightest(uses[row.number])
    room = f"{'has' if tightest.worst <= 1 else 'is'} {_room(tightest)}"
    caption = (
        f"{len(inside)} of {len(judged)} candidates meet every limit; "
        f"{'the pick' if row.picked else 'the closest'}, {row.label}, {room} at its tightest limit, "
        f"{tightest.name} (at the unfavourable end of the interval)."
    )
    cut = any(_tightest(uses[one.number]).worst > _WIDEST for one in judged)
    return caption + (f" Bars are cut at {percent(_WIDEST)}." if cut else "")
