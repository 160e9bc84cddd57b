"""The page of one explanation: the answer, what each method says of each step, how far to trust it, every head."""

from __future__ import annotations

from typing import Any

from edgekit.explaining.contract import METHODS, Explanation, Faithfulness
from edgekit.explaining.words import answer_text, attribution_text, difference_text, score_text, standing, step_name
from edgekit.report.drawn import drawn, lines
from edgekit.report.page import environment
from edgekit.rounds.contract import Curve, Plot, Table
from edgekit.terminal.format import count, number, percent
from edgekit_targets import __version__


def render_explanation(found: Explanation) -> str:
    """The page as HTML; the same explanation gives the same text. Imports matplotlib, which takes a moment."""
    return (
        environment()
        .get_template("explanation.html")
        .render(
            found=found,
            answer=answer_text(found),
            told=[attribution_text(one, found.labels) for one in found.attributions],
            standings=[line for one in found.faithfulness if (line := standing(one))],
            steps=_steps(found),
            scores=_scores(found),
            figures=[_attributions(found), *(_curves(found, one) for one in found.faithfulness)],
            maps=_maps(found),
            probabilities=[(name, percent(value)) for name, value in found.probabilities.items()],
            samples=count(found.faithfulness[0].samples),
            edgekit_version=__version__,
        )
    )


def _steps(found: Explanation) -> Table:
    return Table(
        title=(
            "Of attention the share of all that is taken, in percent; of occlusion the probability lost without the "
            "step, in points of a hundred."
        ),
        columns=("step", *(METHODS[one.method] for one in found.attributions)),
        rows=tuple(
            (label, *(number(100.0 * one.values[index]) for one in found.attributions))
            for index, label in enumerate(found.labels)
        ),
    )


def _scores(found: Explanation) -> Table:
    return Table(
        title="Faithfulness, with 95 % intervals over the samples.",
        columns=(
            "method",
            "score",
            "difference from occlusion",
            "area under deletion",
            "area under insertion",
            "probability, untouched to hidden",
        ),
        rows=tuple(
            (
                METHODS[one.method],
                score_text(one),
                difference_text(one) or "–",
                number(one.deletion),
                number(one.insertion),
                f"{percent(one.full)} to {percent(one.hidden)}",
            )
            for one in found.faithfulness
        ),
    )


def _attributions(found: Explanation) -> dict[str, Any]:
    from edgekit.report.plots import attributions
    from edgekit.report.plots.canvas import style

    title = "Attribution by step"
    caption = " ".join(attribution_text(one, found.labels) for one in found.attributions)
    with style():
        drawing = attributions.draw([(METHODS[one.method], one.values) for one in found.attributions], found.labels)
        return drawn("attributions", title, caption, drawing)


def _curves(found: Explanation, one: Faithfulness) -> dict[str, Any]:
    name = METHODS[one.method]
    plot = Plot(
        key=f"curves-{one.method}",
        title=f"Deletion and insertion by {name}",
        caption=f"By {name}: score {score_text(one)} on {count(one.samples)} samples; a random order has 0.",
        x_label="share of the steps hidden or shown",
        y_label="probability of the answer",
        curves=tuple(
            Curve(
                name=which,
                family=found.family,
                x=curve.share,
                y=curve.value,
                low=curve.low,
                high=curve.high,
                dashed=dashed,
            )
            for which, curve, dashed in (
                ("deletion", one.deletion_curve, False),
                ("insertion", one.insertion_curve, True),
            )
        ),
        x_log=False,
    )
    return lines(plot)


def _maps(found: Explanation) -> list[dict[str, Any]]:
    from edgekit.report.plots import heat_map
    from edgekit.report.plots.canvas import style

    maps = found.attention or ()
    most = max((value for layer in maps for head in layer for row in head for value in row), default=1.0)
    figures = []
    for layer, heads in enumerate(maps, 1):
        for head, weights in enumerate(heads, 1):
            last = weights[-1]
            label = step_name(found.labels[last.index(max(last))], found.labels)
            caption = f"The last step, where the answer is read, takes most from {label}: {percent(max(last))}."
            with style():
                drawing = heat_map.draw(weights, found.labels, most)
                key = f"map-{layer}-{head}"
                figures.append(drawn(key, f"Layer {layer}, head {head}", caption, drawing))
    return figures
