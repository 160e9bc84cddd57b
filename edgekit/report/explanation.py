"""The page of one explanation: the answer, what each method says of each step, how far to trust it, every head."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from edgekit.explaining.contract import METHODS, Explanation, Faithfulness
from edgekit.explaining.words import answer_text, attribution_text, difference_text, score_text, standing, step_name
from edgekit.report.page import environment
from edgekit.report.text import clean
from edgekit.rounds.contract import Curve, Plot
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
            steps=[_step(found, index) for index in range(len(found.labels))],
            methods=[METHODS[one.method] for one in found.attributions],
            scores=[_score(one) for one in found.faithfulness],
            figures=[_attributions(found), *(_curves(found, one) for one in found.faithfulness)],
            maps=_maps(found),
            probabilities=[(name, percent(value)) for name, value in found.probabilities.items()],
            samples=count(found.faithfulness[0].samples),
            edgekit_version=__version__,
        )
    )


def _step(found: Explanation, index: int) -> tuple[str, list[str]]:
    return found.labels[index], [number(100.0 * one.values[index]) for one in found.attributions]


def _score(one: Faithfulness) -> tuple[str, tuple[str, ...]]:
    figures = (
        score_text(one),
        difference_text(one) or "–",
        number(one.deletion),
        number(one.insertion),
        f"{percent(one.full)} to {percent(one.hidden)}",
    )
    return METHODS[one.method], figures


def _attributions(found: Explanation) -> dict[str, Any]:
    from edgekit.report.plots import attributions
    from edgekit.report.plots.canvas import style

    title = "Attribution by step"
    caption = " ".join(attribution_text(one, found.labels) for one in found.attributions)
    with style():
        drawing = attributions.draw([(METHODS[one.method], one.values) for one in found.attributions], found.labels)
        return _figure("attributions", title, caption, drawing)


def _curves(found: Explanation, one: Faithfulness) -> dict[str, Any]:
    from edgekit.report.plots import lines
    from edgekit.report.plots.canvas import style

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
    with style():
        return _figure(plot.key, plot.title, plot.caption, lines.draw(plot))


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
                figures.append(_figure(key, f"Layer {layer}, head {head}", caption, drawing))
    return figures


def _figure(key: str, title: str, caption: str, drawing: tuple[Any, str]) -> dict[str, Any]:
    from edgekit.report.plots.canvas import to_svg

    figure, description = drawing
    svg = to_svg(figure, key, title, clean(caption), clean(description))
    # Mark-up is trusted here alone: our own drawing, whose text went through an XML serializer.
    return {"key": key, "title": title, "caption": caption, "svg": Markup(svg)}  # noqa: S704
