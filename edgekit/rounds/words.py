"""Figures of the rounds as people read them."""

from __future__ import annotations

from edgekit.rounds.contract import Aspect, Figure, Round, Table, Unit
from edgekit.statistics.proportions import Estimate
from edgekit.terminal.format import NOT_MEASURED, Formatter, interval, joules, number, percent, plain, seconds, size


def points(value: float | None, *, like: float | None = None) -> str:
    """A difference of shares in points of a hundred: ``0.031`` is ``"+3.10 points"``."""
    if value is None:
        return NOT_MEASURED
    return f"{'+' if value > 0 else ''}{number(value * 100)} points"


def times(value: float | None, *, like: float | None = None) -> str:
    """A ratio: ``"0.430 x"``."""
    return NOT_MEASURED if value is None else f"{number(value)} x"


def steps(value: float | None, *, like: float | None = None) -> str:
    """A count of time steps."""
    return NOT_MEASURED if value is None else f"{value:.0f} steps"


FORMATTERS: dict[Unit, Formatter] = {
    "share": percent,
    "seconds": seconds,
    "bytes": size,
    "joules": joules,
    "ratio": times,
    "steps": steps,
    "difference": points,
    "count": plain,
    "score": plain,
}


def figure_text(figure: Figure) -> str:
    """The value with its interval, or why there is none."""
    if figure.value is None:
        return f"{NOT_MEASURED} ({figure.reason})" if figure.reason else NOT_MEASURED
    return interval(figure.value, figure.low, figure.high, FORMATTERS[figure.unit])


def share_text(found: Estimate) -> str:
    """A share with its interval."""
    return interval(found.value, found.low, found.high, percent)


def basis_text(figure: Figure) -> str:
    """A figure, what it is and what it rests on, as far as there is anything to say."""
    basis = f" ({figure.basis})" if figure.basis else ""
    return f"{figure.what}: {figure_text(figure)}{basis}"


def winner_text(aspect: Aspect) -> str:
    """Who is ahead in one aspect."""
    if aspect.winner is not None:
        return aspect.winner
    known = aspect.lstm.value is not None and aspect.transformer.value is not None
    return "tie" if known else NOT_MEASURED


def verdict_of(one: Round) -> str:
    """The winner, a tie, or that it was not measured."""
    if one.winner is not None:
        return f"winner: {one.winner}"
    return "a tie" if one.tie else NOT_MEASURED


def aspects_table(found: tuple[Aspect, ...]) -> Table:
    """The closing table: what the classic comparison ends with, filled by this run."""
    return Table(
        title="LSTM against Transformer: every figure was measured in this run, its 95 % interval in brackets",
        columns=("aspect", "lstm", "transformer", "ahead"),
        rows=tuple((one.name, *map(_cell, (one.lstm, one.transformer)), winner_text(one)) for one in found),
    )


def _cell(figure: Figure) -> str:
    return NOT_MEASURED if figure.value is None else figure_text(figure)


def aspect_notes(found: tuple[Aspect, ...]) -> list[str]:
    """What a reader of the closing table must know of each row, and why a figure is missing: below it, in full."""
    notes = []
    for one in found:
        reasons = dict.fromkeys(each.reason for each in (one.lstm, one.transformer) if each.reason)
        told = [text for text in (one.note, *reasons) if text]
        if told:
            notes.append(f"{one.name}: {'; '.join(told)}.")
    return notes
