"""One self-contained page: no network, no script, the verdict first, every figure with its interval.

Names inside a bundle are untrusted: the template escapes everything, each string is reduced to one printable line, and
the page's own policy forbids loading anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from edgekit.decision.baseline import headline, regression_lines
from edgekit.report import cells, method
from edgekit.report.evidence import Evidence, gather
from edgekit.report.measured import measured
from edgekit.report.text import clean
from edgekit_targets import __version__
from edgekit_targets.types.manifest import MODES, Manifest
from edgekit_targets.types.profile import Profile
from edgekit_targets.types.verdict import Verdict

_HEADINGS = {"pick": "A candidate fits", "nothing-fits": "Nothing fits", "undecided": "Undecided"}
_BEFORE_A_UNIT = re.compile(r"(?<=\d) (?=(?:%|(?:us|ms|s|B|KiB|MiB|GiB|uJ|mJ|J)\b))")
_INSIDE_AN_INTERVAL = re.compile(r"(?<=\d,) (?=[\d.]+\])")
_SYMBOLS = {"pick": "✓", "nothing-fits": "✗", "undecided": "?"}


def render(
    manifest: Manifest, profiles: Sequence[Profile], verdict: Verdict | None, *, command: str | None = None
) -> str:
    """The report as HTML. The same input gives the same text.

    Args:
        manifest: the bundle's.
        profiles: of the bundle; of several machines the verdict's is shown, without a verdict the newest.
        verdict: what ``pick`` said, or None: then the page shows the figures alone.
        command: what the user typed, for the section on reproducing.
    """
    evidence = gather(manifest, profiles, verdict)
    figures = _figures(evidence)
    return (
        environment()
        .get_template("page.html")
        .render(
            verdict=verdict,
            heading=_HEADINGS[verdict.verdict] if verdict is not None else "No verdict yet",
            symbol=_SYMBOLS[verdict.verdict] if verdict is not None else "–",
            evidence=evidence,
            limits=[cells.limit_text(limit) for limit in evidence.limits],
            choices=_choices(verdict),
            lines=cells.lines(evidence),
            baseline=_baseline(verdict),
            figures=[one for one in figures if one["svg"] is not None],
            omitted=[one for one in figures if one["svg"] is None],
            measured=measured(evidence),
            artifacts=cells.artifacts(manifest, evidence.profiles),
            device=method.device_facts(evidence.device) if evidence.device is not None else [],
            measuring=method.measuring_facts(evidence),
            sweeps=method.sweeps(evidence),
            data=method.data_facts(manifest),
            training=method.training_facts(manifest),
            versions=method.version_facts(manifest),
            warnings=method.warnings(evidence),
            invalid=method.invalid(evidence),
            dropped=manifest.dropped,
            notes=[(artifact.id, note) for artifact in manifest.artifacts for note in artifact.notes],
            commands=[escape(clean(one)) for one in method.commands(evidence, verdict, command)],
            edgekit_version=__version__,
            created=method.moment(
                max([manifest.created, *(one.created for one in profiles), *([verdict.created] if verdict else [])])
            ),
        )
    )


def _choices(verdict: Verdict | None) -> list[tuple[str, str]]:
    """The pick of each mode, where there is more than the one that the sentence names."""
    if verdict is None:
        return []
    found = [(mode, getattr(verdict.choices, mode)) for mode in MODES]
    named: list[tuple[str, str]] = [
        (mode, f"{one.artifact} on {one.target}, {one.threads} thread(s)") for mode, one in found if one is not None
    ]
    return named if len(named) > 1 else []


def _baseline(verdict: Verdict | None) -> list[str]:
    found = verdict.baseline if verdict is not None else None
    return [] if found is None else [headline(found), *regression_lines(found.regressions), *found.notes]


def _figures(evidence: Evidence) -> list[dict[str, Any]]:
    """Every plot for every mode, drawn with the figures' own style. Imports matplotlib, which takes a moment."""
    from edgekit.report.plots import PLOTS
    from edgekit.report.plots.canvas import style, to_svg
    from edgekit.report.plots.contract import Omitted

    figures: list[dict[str, Any]] = []
    for mode in evidence.modes:
        rows = [row for row in evidence.rows if row.mode == mode]
        for plot in PLOTS:
            with style():
                drawn = plot(evidence, rows)
                title = drawn.title + (f" ({mode})" if len(evidence.modes) > 1 else "")
                key = f"{drawn.key}-{mode}"
                if isinstance(drawn, Omitted):
                    figures.append({"key": key, "title": title, "reason": drawn.reason, "svg": None})
                    continue
                svg = to_svg(drawn.figure, key, title, clean(drawn.caption), clean(drawn.description))
            # The one place where mark-up is trusted: our own drawing, whose text went through an XML serializer.
            figures.append({"key": key, "title": title, "caption": drawn.caption, "svg": Markup(svg)})  # noqa: S704
    return figures


def environment() -> Environment:
    """The templates of every page: whatever is not marked as our own drawing is escaped and reduced to one line."""
    return Environment(
        loader=PackageLoader("edgekit.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )


def _finalize(value: Any) -> Any:
    """Untrusted text on one line, its figures not torn from their units; what is to be copied is marked as final."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _INSIDE_AN_INTERVAL.sub("\N{NO-BREAK SPACE}", _BEFORE_A_UNIT.sub("\N{NO-BREAK SPACE}", clean(value)))
