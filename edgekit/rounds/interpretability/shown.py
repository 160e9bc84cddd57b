"""The table and plots of the interpretability round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edgekit.rounds import figures
from edgekit.rounds.bundles import slug
from edgekit.rounds.contract import TRANSFORMER, Curve, Family, Figure, Plot, Table
from edgekit.rounds.interpretability.faithful import FAMILIES
from edgekit.rounds.interpretability.sets import OnSet, Scores
from edgekit.rounds.words import figure_text
from edgekit.statistics.means import Mean

if TYPE_CHECKING:
    from edgekit.explaining.contract import Faithfulness, Method


def scores_table(sets: Sequence[OnSet], scores: Mapping[str, Scores]) -> Table:
    """Every method of every family on every set."""
    rows = []
    for one in sets:
        for (family, method), found in scores[one.data].items():
            chosen = " (its best)" if one.best[family] == method and family == TRANSFORMER else ""
            rows.append(
                (
                    f"{one.data}: {family}",
                    f"{method_name(method)}{chosen}",
                    figure_text(score_figure("", family, found, "")),
                    f"{found.deletion:.3f}",
                    f"{found.insertion:.3f}",
                    f"{100.0 * one.accuracy[family]:.1f} %",
                )
            )
    return Table(
        title="Faithfulness of explanations, 95 % intervals over models and samples",
        columns=("data: family", "method", "score", "deletion", "insertion", "accuracy"),
        rows=tuple(rows),
    )


def curve_plots(one: OnSet, scores: Scores) -> list[Plot]:
    """Deletion and insertion by occlusion in both families, and by the better way to read attention."""
    both = [(family, scores[family, "occlusion"]) for family in FAMILIES]
    attentive = scores[TRANSFORMER, one.looking]
    return [
        _plot(f"occlusion-{slug(one.data)}", f"Occlusion on {one.data}", both),
        _plot(
            f"looking-{slug(one.data)}",
            f"{method_name(one.looking).capitalize()} on {one.data}",
            [(TRANSFORMER, attentive)],
        ),
    ]


def _plot(key: str, title: str, shown: Sequence[tuple[Family, Faithfulness]]) -> Plot:
    curves = []
    for family, found in shown:
        for which, curve in (("deletion", found.deletion_curve), ("insertion", found.insertion_curve)):
            curves.append(
                Curve(
                    name=f"{family}, {which}",
                    family=family,
                    x=curve.share,
                    y=curve.value,
                    low=curve.low,
                    high=curve.high,
                    dashed=which == "insertion",
                )
            )
    told = "; ".join(f"{family} {figure_text(score_figure('', family, found, ''))}" for family, found in shown)
    return Plot(
        key=key,
        title=title,
        caption=f"Score: {told}. The further insertion lies above deletion, the better.",
        x_label="share of the steps hidden or shown",
        y_label="probability of the answer",
        curves=tuple(curves),
        x_log=False,
    )


def score_figure(what: str, family: str, found: Faithfulness, basis: str) -> Figure:
    """One score as a figure."""
    if found.score is None:
        return figures.missing(what, family, "score", found.reason or "")
    return figures.measured(what, family, Mean(found.score, found.low, found.high), "score", basis)


def method_name(method: Method) -> str:
    """For sentences and tables."""
    from edgekit.explaining.contract import METHODS

    return METHODS[method]
