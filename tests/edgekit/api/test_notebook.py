"""How results look in IPython, the kernel of notebooks; in a process of its own, as a notebook has."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.api.notebook import html, shown, text
from edgekit.budget.load import load_budget
from edgekit.decision.figures import Evidence
from edgekit.decision.pick import pick

CODE = """
import edgekit, json
verdict = edgekit.pick("bundle", "p99=1ms, accuracy=0.9")
formatter = get_ipython().display_formatter
formatter.active_types = formatter.format_types  # as the kernel of a notebook has it
data, _ = formatter.format(verdict)
print(json.dumps(data))
"""


@pytest.fixture
def bundle(make_bundle: Callable[..., Path], make_evidence: Callable[..., Evidence]) -> Path:
    return make_bundle(make_evidence("lstm"), make_evidence("transformer", p99=0.002))


def test_a_verdict_shows_its_table_and_sentence(bundle: Path) -> None:
    verdict = pick(bundle, load_budget("p99=1ms, accuracy=0.9"))
    page = html(verdict)
    assert page.startswith("<pre")
    assert page.count("<pre") == page.count("</pre>") == 1
    assert "transformer" in page
    assert "transformer" in text(verdict)
    assert " ".join(verdict.sentence.split()) in " ".join(text(verdict).split())


def test_markup_in_a_name_is_text(bundle: Path) -> None:
    verdict = pick(bundle, load_budget("p99=1ms"))
    import dataclasses

    named = dataclasses.replace(verdict, sentence="<script>alert(1)</script> [bold]x[/bold]")
    assert "<script>" not in html(named)
    assert "&lt;script&gt;" in html(named)
    assert "[bold]x[/bold]" in text(named)


def test_outside_a_notebook_nothing_changes() -> None:
    value = object()
    assert shown(value) is value


def test_a_notebook_shows_the_table(bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", CODE],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=bundle.parent,
        env={"HOME": str(bundle.parent), "IPYTHONDIR": str(bundle.parent / "ipython"), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shows = json.loads(done.stdout.splitlines()[-1])
    assert shows["text/html"].startswith("<pre")
    assert "transformer" in shows["text/plain"]
    assert "raw_seconds" not in shows["text/plain"]
    assert "Verdict(" not in shows["text/plain"]
