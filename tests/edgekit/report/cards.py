"""Score cards to draw: a plausible one, one where nothing was measured, and one whose names want to be mark-up."""

from __future__ import annotations

import dataclasses

from edgekit.rounds.contract import Aspect, Curve, Figure, Plot, Round, ScoreCard, Table


def _figure(family: str | None, value: float | None, unit: str = "share") -> Figure:
    return Figure(
        what="accuracy over all distances",
        family=family,
        value=value,
        low=None if value is None else value - 0.04,
        high=None if value is None else value + 0.03,
        unit=unit,  # type: ignore[arg-type]
        basis="3 seeds, 2 sizes, 128 test samples a distance" if value is not None else "",
        reason=None if value is not None else "the machine was too busy for a valid figure",
    )


def _curve(name: str, family: str, start: float, *, dashed: bool = False) -> Curve:
    y = tuple(start - 0.07 * index for index in range(7))
    return Curve(
        name=name,
        family=family,
        x=tuple(8.0 * 2**index for index in range(7)),
        y=y,
        low=tuple(one - 0.1 for one in y),
        high=(*[one + 0.05 for one in y[:-1]], None),
        dashed=dashed,
    )


def _round(name: str, title: str, winner: str | None, *, tie: bool, value: float | None = -0.12) -> Round:
    shares = Plot(
        key=f"{name}-recall",
        title="Recall over distance",
        caption="In size medium; the dashed line is 90 %, chance 25 %.",
        x_label="steps back",
        y_label="answered right",
        curves=(
            _curve("lstm", "lstm", 0.95),
            _curve("transformer", "transformer", 0.99),
            _curve("transformer, W 16", "transformer", 0.8, dashed=True),
        ),
        level=0.9,
    )
    times = dataclasses.replace(
        shares,
        key=f"{name}-time",
        title="Time over the length",
        y_label="p50",
        y_log=True,
        y_unit="seconds",
        level=None,
    )
    return Round(
        name=name,
        title=title,
        claim="the LSTM keeps a state; the Transformer looks at everything",
        winner=winner,  # type: ignore[arg-type]
        tie=tie,
        holds=None if value is None else winner == "transformer",
        sentence="At equal p99 window the LSTM's accuracy minus the Transformer's is -12.0 points [-16.0, -9.00].",
        deciding=_figure(None, value, "difference"),
        evidence=(_figure(None, value, "difference"), _figure("lstm", 0.81), _figure("transformer", 0.93)),
        tables=(
            Table(
                title="Recall over distance: share answered right (chance is 25 %)",
                columns=("model", "parameters", "training each", *(f"{8 * 2**index} steps" for index in range(7))),
                rows=tuple((f"{family} medium", "38,943", "3.21 s", *["97.3 % [95.1, 98.8]"] * 7) for family in "ab"),
            ),
        ),
        plots=() if value is None else (shares, times),
        aspects=(
            Aspect(
                name=f"{name}: furthest recall at 90 %",
                lstm=_figure("lstm", 0.81),
                transformer=_figure("transformer", None if value is None else 0.93),
                winner=winner,  # type: ignore[arg-type]
                note="medium; of the distances asked, 512 is the longest",
            ),
        ),
        notes=("Skipped: aeon:UnitTest at 5.00 % of the training data: a class has no sample left to learn from.",),
    )


def _card(rounds: tuple[Round, ...]) -> ScoreCard:
    return ScoreCard(
        schema_version=1,
        edgekit_version="0.1.0",
        created="2026-01-02T03:04:05.000000Z",
        quick=True,
        device="local",
        settings={"seeds": 3, "sizes": [{"name": "small", "settings": {"lstm.hidden": "40"}}], "length": None},
        rounds=rounds,
        table=tuple(aspect for one in rounds for aspect in one.aspects),
        not_held=tuple(f"“{one.claim}” was not shown here: {one.sentence}" for one in rounds if one.holds is False),
    )


def _hostile() -> ScoreCard:
    name = '<script>alert("1")</script>$\\frac{1}{\x00"&amp;\u202e漢字</style>'
    one = _round("memory", name, None, tie=True)
    curve = dataclasses.replace(one.plots[0].curves[0], name=name * 3)
    plot = dataclasses.replace(one.plots[0], title=name, caption=name, curves=(curve,), x_label="steps back")
    return _card((dataclasses.replace(one, plots=(plot,), notes=(name,)),))


CARDS: dict[str, ScoreCard] = {
    "card": _card(
        (
            _round("memory", "Memory power", "transformer", tie=False),
            _round("speed", "Computation speed", None, tie=True),
            _round("business", "Business context", "lstm", tie=False),
        )
    ),
    "unmeasured-card": _card((_round("memory", "Memory power", None, tie=False, value=None),)),
    "hostile-card": _hostile(),
}
