"""From a drawing to what a template shows: the one way in which a page of edgekit takes mark-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from edgekit.report.text import clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from edgekit.rounds.contract import Plot


def drawn(key: str, title: str, caption: str, drawing: tuple[Figure, str]) -> dict[str, Any]:
    """A figure for the macro ``figure``; called while the style of the figures is in force.

    Args:
        key: the anchor.
        title: above it.
        caption: the message in a sentence.
        drawing: the figure, and its description for those who cannot see it.
    """
    from edgekit.report.plots.canvas import to_svg

    figure, description = drawing
    svg = to_svg(figure, key, clean(title), clean(caption), clean(description))
    # Mark-up is trusted here alone: our own drawing, whose text went through an XML serializer.
    return {"key": key, "title": title, "caption": caption, "svg": Markup(svg)}  # noqa: S704


def lines(plot: Plot) -> dict[str, Any]:
    """A plot of lines, drawn. Imports matplotlib, which takes a moment."""
    from edgekit.report.plots.canvas import style
    from edgekit.report.plots.lines import draw

    with style():
        return drawn(plot.key, plot.title, plot.caption, draw(plot))
