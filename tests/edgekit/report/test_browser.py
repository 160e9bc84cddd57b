"""The page in a real browser: it renders, complains about nothing, loads nothing and never scrolls sideways."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Browse = Callable[..., tuple[str, str]]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--allow-file-access-from-files",
]
# Stands in the test's own page only: measures the report inside a frame as wide as a phone, once it has loaded.
PROBE = """<!DOCTYPE html><body style="margin:0">
<iframe id="f" src="%s" width="%d" height="3000" style="border:0"></iframe>
<script>
document.getElementById("f").onload = function () {
  var page = this.contentDocument, root = page.documentElement, wide = root.clientWidth, clipped = [], small = [];
  page.querySelectorAll("figure, figcaption, h1, h2, h3, p, li, dl, .scroll").forEach(function (one) {
    var box = one.getBoundingClientRect();
    if (box.right > wide + 1 || box.left < -1) clipped.push(one.tagName + ": " + one.textContent.slice(0, 40));
  });
  page.querySelectorAll("svg").forEach(function (svg) {
    var frame = svg.getBoundingClientRect();
    svg.querySelectorAll("text").forEach(function (text) {
      var box = text.getBoundingClientRect();
      if (box.left < frame.left - 2 || box.right > frame.right + 2) clipped.push("svg: " + text.textContent);
      if (box.top < frame.top - 2 || box.bottom > frame.bottom + 2) clipped.push("svg: " + text.textContent);
      if (box.height < 10) small.push(text.textContent);
    });
  });
  var found = {wide: wide, scroll: root.scrollWidth, figures: page.querySelectorAll("svg").length,
    policy: page.querySelectorAll("meta[http-equiv]").length, clipped: clipped, small: small,
    loads: performance.getEntriesByType("resource").map(function (one) { return one.name; }),
    inner: this.contentWindow.performance.getEntriesByType("resource").map(function (one) { return one.name; })};
  var out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.replaceChildren(out);
};
</script>"""


@pytest.fixture(scope="module")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Browse:
    """Run Chromium on a file; gives its stdout and what it logged."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; install it with: make system-deps")
        pytest.skip("Chromium is not installed (make system-deps)")
    profile = tmp_path_factory.mktemp("chromium")

    def run(page: Path, *options: str) -> tuple[str, str]:
        done = subprocess.run(
            [browser, *FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout, done.stderr

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("pick", 360),
        ("pick", 1200),
        ("invalid", 360),
        ("imported", 360),
        ("nothing-fits", 360),
        ("undecided", 320),
        ("forty", 360),
        ("long-names", 360),
        ("hostile", 360),
        ("nothing-measured", 360),
        ("sentence", 360),
        ("sentence", 1200),
        ("signal", 360),
        ("recurrent", 320),
        ("hostile-tokens", 360),
        ("card", 360),
        ("card", 1200),
        ("unmeasured-card", 320),
        ("hostile-card", 360),
    ],
)
def test_the_page_fits_its_width_and_loads_nothing(
    browse: Browse, pages: dict[str, str], tmp_path: Path, name: str, width: int
) -> None:
    (tmp_path / "report.html").write_text(pages[name], encoding="utf-8")
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE % ("report.html", width), encoding="utf-8")
    document, log = browse(probe, "--dump-dom", "--virtual-time-budget=5000", "--window-size=1300,3000")
    match = re.search(r'<pre id="found">(.*?)</pre>', document, re.DOTALL)
    assert match is not None, document[:500]
    found = json.loads(match[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert found["wide"] == width
    assert found["scroll"] == width, "the page scrolls sideways"
    assert found["figures"] == pages[name].count("<svg")
    assert found["policy"] == 1
    assert found["clipped"] == []
    assert found["small"] == [], "text below 10 px"
    assert [one for one in found["loads"] if not one.endswith("report.html")] == []
    assert [one for one in found["inner"] if not one.startswith("data:")] == []
    assert "CONSOLE" not in log, [line for line in log.splitlines() if "CONSOLE" in line]


@pytest.mark.slow
def test_the_page_prints_without_a_page_that_is_lost(browse: Browse, pages: dict[str, str], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(pages["pick"], encoding="utf-8")
    out = tmp_path / "report.pdf"
    _, log = browse(page, "--no-pdf-header-footer", f"--print-to-pdf={out}")
    assert out.read_bytes().startswith(b"%PDF-")
    assert "CONSOLE" not in log
