"""The pages that the speed bench writes: ``speed.md``, a table for each row, and the lines of it that README quotes.

A row that is measured again replaces its own table, and README's table is made anew from what stands in ``speed.md``.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # they import torch, which the page needs not
    from tests.benchmarks.common.peers import Way
    from tests.benchmarks.common.rounds import Middle

CASES = [("seed", 10), ("seed", 100), ("mid", 100), ("10m", 64)]
FAMILIES = ("lstm", "transformer")
ROWS = {f"{preset}-{length}-{family}": (preset, length, family) for preset, length in CASES for family in FAMILIES}
"""Every row of the bench by the name it goes by on the command line."""
TABLE = Path(__file__).parents[1] / "speed.md"
README = Path(__file__).parents[3] / "README.md"
_HEAD = """Written by `make bench` (`tests/benchmarks/speed.py`), row by row; one thread, batch 1, random weights.
Ratios are of medians, taken in each of the interleaved rounds, with 95 % intervals. What was tried to be faster still,
and what it gave, stands in [tried.md](tried.md).
"""
_BEGIN, _END = "<!-- speed: written by tests/benchmarks/speed.py -->\n", "<!-- speed: end -->\n"
_TOLD = re.compile(r"^- edgekit (\S+) (\S+) / (.+) = ([\d.]+) \[([\d.]+), ([\d.]+)\], bound", re.MULTILINE)
_MEDIAN = re.compile(r"^\| \*\*edgekit (\S+) (\S+)\*\* \| (\d+) us \|", re.MULTILINE)
_TARGETS = {"cpu": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """One way in one row: ``against`` is its ratio to the stock export."""

    way: Way
    ours: bool
    seconds: Sequence[float]
    error: float
    against: Middle

    @property
    def median(self) -> float:
        """Seconds of one inference."""
        return statistics.median(self.seconds)


def title_of(preset: str, length: int, family: str) -> str:
    """``mid, length 100, lstm``."""
    return f"{preset}, length {length}, {family}"


def table(title: str, lines: Sequence[Line], told: Sequence[str], where: str) -> str:
    """One row of the bench as a Markdown table, fastest first, with its bounds and what it was measured on."""
    rows = [f"### {title}", "", *(f"- {one}" for one in told), f"- measured on {where}", ""]
    rows += ["| | median | ratio to the stock export | relative error | size | quantized |"]
    rows += ["|---|---:|---:|---:|---:|---:|"]
    for line in sorted(lines, key=lambda one: one.median):
        size = "–" if line.way.size_bytes is None else f"{line.way.size_bytes / 1024:.0f} KiB"
        name = f"**{line.way.name}**" if line.ours else line.way.name
        rows.append(
            f"| {name} | {line.median * 1e6:.0f} us | {line.against} "
            f"| {line.error:.1e} | {size} | {line.way.quantized} |"
        )
    return "\n".join([*rows, ""])


def updated(text: str, tables: Mapping[str, str]) -> str:
    """The page with the tables of these rows in it; those of other rows stay as they are."""
    kept = _tables(text) | dict(tables)
    order = [title_of(*row) for row in ROWS.values()]
    return "\n".join([_HEAD, *(kept[title] for title in order if title in kept)])


def quoted(page: str) -> str:
    """README's table, a line for each preset and length, from what ``speed.md`` says."""
    tables = _tables(page)
    lines = ["| preset, length | LSTM | against the best other way | Transformer | against the best other way |"]
    lines += ["|---|---:|---:|---:|---:|"]
    for preset, length in CASES:
        cells = [part for family in FAMILIES for part in _cells(tables.get(title_of(preset, length, family), ""))]
        lines.append(f"| `{preset}`, {length} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def with_quoted(readme: str, page: str) -> str:
    """README with its table made anew.

    Raises:
        ValueError: README lacks the two comments that the table stands between.
    """
    before, begin, rest = readme.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(
            f"README.md lacks {_BEGIN.strip()} and {_END.strip()}, between which the table of speeds stands"
        )
    return f"{before}{begin}\n{quoted(page)}\n{end}{after}"


def write(title: str, made: str) -> None:
    """Put one row's table into ``speed.md`` and its line into README."""
    TABLE.write_text(updated(TABLE.read_text() if TABLE.exists() else "", {title: made}))
    README.write_text(with_quoted(README.read_text(), TABLE.read_text()))


def _tables(page: str) -> dict[str, str]:
    parts = page.split("### ")[1:]
    return {part.partition("\n")[0].strip(): f"### {part.strip()}\n" for part in parts}


def _cells(found: str) -> tuple[str, str]:
    """What ours at its fastest is and takes, and its ratio to the best of the others."""
    told = _TOLD.search(found)
    if told is None:
        return "not measured", "–"
    precision, target, other, *ratio = told.groups()
    median = next(row[3] for row in _MEDIAN.finditer(found) if (row[1], row[2]) == (precision, target))
    value, low, high = (f"{float(part):.2f}" for part in ratio)
    return f"{median} us, {precision} on {_TARGETS[target]}", f"{value} [{low}, {high}] of {other}"
