"""Matplotlib without its global state, and its SVG made fit to stand inside a page.

The same input gives the same bytes: ids are salted with a constant, no date is written, the user's matplotlibrc is not
read. Text stays text. Colours become CSS variables with the light colour as the fallback, so that one drawing serves
light and dark; ids carry the figure's key, so that several figures can share a page.
"""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET  # parses only what matplotlib wrote a line before
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH_INCHES = 3.9
DPI = 72  # one display unit is one point, so label boxes are computed in points
FONT_POINTS = 10.0
INK, GRID, SHADE, PAPER, MUTED, GOOD, BAD, UNSURE = (
    "#000000",
    "#d8d8d9",
    "#f1f0ee",
    "#fffffe",
    "#5a5a5b",
    "#00734f",
    "#b3400a",
    "#6b5200",
)
# Okabe & Ito 2008, the lighter ones darkened for white paper; the page gives their counterparts for dark paper.
SERIES = ("#0072b2", "#c75000", "#008a63", "#a8457f", "#8a6a00", "#3a7ca5")
HOVER = "hover:"
"""An artist whose group id starts so shows the rest of it to a pointer that rests on it."""
_VARIABLES = {
    GRID: "grid",
    SHADE: "shade",
    PAPER: "paper",
    MUTED: "muted",
    GOOD: "good",
    BAD: "bad",
    UNSURE: "unsure",
    **{color: f"series-{index}" for index, color in enumerate(SERIES)},
}
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_COLOR = re.compile(r"#[0-9a-f]{6}\b")
_FONT_FAMILY = re.compile(r"font-family: [^;]*;?\s*")
_NO_ROTATION = re.compile(r"rotate\(-?0 [^)]*\)")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "edgekit",
    "font.family": "sans-serif",
    "font.size": FONT_POINTS,
    "axes.labelsize": FONT_POINTS,
    "axes.titlesize": FONT_POINTS,
    "xtick.labelsize": FONT_POINTS,
    "ytick.labelsize": FONT_POINTS,
    "text.parse_math": False,  # a name may hold a dollar sign
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "path.simplify": True,
}


@contextmanager
def style() -> Iterator[None]:
    """The look of every figure, whatever the user's own settings are."""
    with matplotlib.style.context(["default", _SETTINGS]), warnings.catch_warnings():
        # Text is drawn by the browser, with its fonts; matplotlib's own need not have the glyphs.
        warnings.filterwarnings("ignore", message=r"(?s)Glyph .* missing from", category=UserWarning)
        yield


def new_figure(height_inches: float) -> Figure:
    """An empty figure as wide as a phone."""
    return Figure(figsize=(WIDTH_INCHES, height_inches), dpi=DPI)


def add_axes(
    figure: Figure, *, left: float, bottom: float, top: float, right: float = 0.2, height: float | None = None
) -> Axes:
    """Axes with margins in inches; ``height`` instead of ``bottom`` counts from the top margin down."""
    width, tall = figure.get_figwidth(), figure.get_figheight()
    low = tall - top - height if height is not None else bottom
    return figure.add_axes((left / width, low / tall, (width - left - right) / width, (tall - top - low) / tall))


def to_svg(figure: Figure, key: str, title: str, message: str, description: str) -> str:
    """The figure as an inline ``<svg>`` that scales with its container.

    Args:
        figure: drawn inside :func:`style`.
        key: unique on the page; letters, digits and hyphens.
        title: the figure's name, for the tooltip and the screen reader.
        message: what it shows, in a sentence.
        description: how it shows it.
    """
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    root = ET.fromstring(stream.getvalue())  # noqa: S314 (our own output)
    _prune(root)
    for element in list(root.iter()):
        told = element.attrib.get("id", "")
        if told.startswith(HOVER):
            tip = ET.Element(f"{_SVG}title")
            tip.text = told.removeprefix(HOVER)
            element.insert(0, tip)
    referenced = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _rewrite(element, key, referenced)
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update(
        {
            "xmlns": _SVG[1:-1],
            "viewBox": box,
            "fill": "currentColor",  # black is left out by matplotlib, being the default
            "role": "img",
            "aria-label": f"{title}. {message}",
            "focusable": "false",
        }
    )
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = ET.Element(tag)
        child.text = text
        root.insert(index, child)
    return ET.tostring(root, encoding="unicode")


def _prune(root: ET.Element) -> None:
    """Drop metadata, what is empty, and the style sheet, which would reach beyond the figure."""
    for parent in reversed(list(root.iter())):  # children before their parents
        for child in list(parent):
            empty = child.tag in (f"{_SVG}g", f"{_SVG}defs") and not len(child)
            if empty or child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    for element in root.iter():
        element.text = element.text if element.text and element.text.strip() else None
        element.tail = None


def _references(element: ET.Element) -> list[str]:
    found = [element.attrib[_XLINK_HREF].removeprefix("#")] if _XLINK_HREF in element.attrib else []
    return found + [name for value in element.attrib.values() for name in _REFERENCE.findall(value)]


def _rewrite(element: ET.Element, key: str, referenced: set[str]) -> None:
    attributes = dict(element.attrib)
    element.attrib.clear()
    for name, value in attributes.items():
        if name == "id":
            if value in referenced:
                element.set("id", f"{key}-{value}")
        elif name == _XLINK_HREF:
            inline = value.startswith("data:")  # an image, whole
            element.set("href", value if inline else f"#{key}-{value.removeprefix('#')}")
        elif not _NO_ROTATION.fullmatch(value):
            text = _FONT_FAMILY.sub("", value) if name == "style" else value  # the page's font is used
            text = _REFERENCE.sub(rf"url(#{key}-\1)", text)
            text = _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), text)
            element.set(name, _COLOR.sub(_themed, text))


def _themed(match: re.Match[str]) -> str:
    color = match[0]
    if color == INK:
        return "currentColor"
    return f"var(--{_VARIABLES[color]},{color})" if color in _VARIABLES else color
