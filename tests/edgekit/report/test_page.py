from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import pytest

from edgekit.report.page import render
from edgekit_targets.types.comparison import Baseline
from edgekit_targets.types.profile import Crossover, Paced, Soak, SoakPoint
from edgekit_targets.types.verdict import Change

NAMES = [
    "pick",
    "tie",
    "no-verdict",
    "imported",
    "nothing-fits",
    "undecided",
    "single",
    "invalid",
    "no-upper-bounds",
    "forty",
    "long-names",
    "hostile",
    "nothing-measured",
]
VOID = {"meta", "link", "br"}


class Tags(HTMLParser):
    """Every start tag must be closed in order; collects text, ids and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value is not None]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value is not None]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def read(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    tags.close()
    return tags


def text_of(page: str) -> str:
    return " ".join(" ".join(read(page).words).split())


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_well_formed_and_loads_nothing(pages: dict[str, str], name: str) -> None:
    page = pages[name]
    tags = read(page)
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    assert not {tag for tag, _ in tags.seen} & {"script", "img", "iframe", "object", "embed", "base", "form", "image"}
    for tag, attributes in tags.seen:
        assert not [attribute for attribute in attributes if attribute.startswith("on")]
        assert "src" not in attributes
        target = attributes.get("href")
        assert target is None or target.startswith("#") or (tag, target) == ("link", "data:,")
        if target is not None and target.startswith("#"):
            assert target[1:] in tags.ids, "a link or a reused shape that leads nowhere"
    assert not re.search(r"https?://", page.replace('xmlns="http://www.w3.org/2000/svg"', ""))
    assert "@import" not in page
    assert set(re.findall(r"url\(#([^)]*)\)", page)) <= set(tags.ids)
    assert not re.search(r"url\((?!#)", page)
    assert "default-src 'none'" in page
    assert len(page.encode()) < 500_000


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_xml_with_words_for_those_who_do_not_see_it(pages: dict[str, str], name: str) -> None:
    for svg in re.findall(r"<svg.*?</svg>", pages[name], re.DOTALL):
        root = ET.fromstring(svg)
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"]
        tags = [child.tag.rpartition("}")[2] for child in root]
        assert tags[:2] == ["title", "desc"]
        assert root[1].text
        assert "viewBox" in root.attrib
        assert "width" not in root.attrib
        assert "<style" not in svg
        assert "metadata" not in svg
        assert len(root.findall(".//{http://www.w3.org/2000/svg}text")) > 4, "text must stay text"
        assert "DejaVu" not in svg


@pytest.mark.parametrize("name", ["pick", "invalid", "hostile"])
def test_the_same_input_gives_the_same_bytes(bundles: dict[str, Any], pages: dict[str, str], name: str) -> None:
    bundle = bundles[name]
    again = render(bundle.manifest, bundle.profiles, bundle.verdict, command="edgekit compare")
    assert again == pages[name]


def test_the_same_bytes_in_another_process(pages: dict[str, str]) -> None:
    """Ids must not come from hash(), which changes from process to process."""
    ids = re.findall(r'id="([a-z]+-[a-z]+-window-[^"]+)"', pages["pick"])
    program = (
        "from edgekit.report.plots.canvas import new_figure, add_axes, style, to_svg\n"
        "with style():\n"
        "    figure = new_figure(2.0)\n"
        "    add_axes(figure, left=.3, bottom=.3, top=.1).plot([1, 2], marker='o')\n"
        "    print(to_svg(figure, 'k', 't', 'm', 'd'))\n"
    )
    results = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert ids
    assert len(results) == 1
    assert "clip-path" in results.pop()


def test_hostile_names_stay_text(pages: dict[str, str]) -> None:
    page = pages["hostile"]
    assert "<script" not in page
    assert "&lt;script&gt;alert" in page
    assert page.count("</style>") == 1
    assert "\x00" not in page
    assert "\u202e" not in page
    assert "漢字" in page
    page.encode("utf-8")


@pytest.mark.parametrize(
    "field", ["notes", "warnings", "reasons", "sentence", "budget", "device", "dropped", "settings"]
)
def test_every_free_text_is_escaped(bundles: dict[str, Any], field: str) -> None:
    evil = "<img src=x onerror=alert(1)>\ud800"
    bundle = bundles["pick"]
    manifest, profiles, verdict = bundle.manifest, bundle.profiles, bundle.verdict
    first = profiles[0]
    if field == "notes":
        artifacts = (dataclasses.replace(manifest.artifacts[0], notes=(evil,)), *manifest.artifacts[1:])
        manifest = dataclasses.replace(manifest, artifacts=artifacts)
    elif field == "dropped":
        manifest = dataclasses.replace(manifest, dropped=(evil,))
    elif field == "settings":
        manifest = dataclasses.replace(manifest, settings={evil: evil}, versions={evil: evil})
        profiles = (dataclasses.replace(first, settings={evil: [evil, {evil: evil}]}),)
    elif field == "warnings":
        one = dataclasses.replace(first.measurements[0], warnings=(evil,), runtime_version=evil)
        profiles = (dataclasses.replace(first, measurements=(one, *first.measurements[1:])),)
    else:
        verdict = dataclasses.replace(verdict, **{field: (evil,) if field == "reasons" else evil})
    page = render(manifest, profiles, verdict, command=evil)
    assert "<img" not in page
    assert "&lt;img src=x" in page
    page.encode("utf-8")


def test_the_verdict_comes_first_in_words_not_by_colour_alone(bundles: dict[str, Any], pages: dict[str, str]) -> None:
    for name, words in {
        "pick": "✓ A candidate fits",
        "nothing-fits": "✗ Nothing fits",
        "undecided": "? Undecided",
    }.items():
        text = text_of(pages[name])
        assert words in text
        verdict = bundles[name].verdict
        assert text.index(verdict.sentence) < text.index("Candidates against the limits")
        assert all(reason in text for reason in verdict.reasons)
    assert "A candidate fits · a tie" in text_of(pages["tie"])
    assert "a tie" not in text_of(pages["pick"])
    assert "No verdict yet" in text_of(pages["no-verdict"])


def test_each_limit_shows_the_figure_its_interval_and_its_status(
    bundles: dict[str, Any], pages: dict[str, str]
) -> None:
    from edgekit.terminal.format import formatter_for, interval

    text = text_of(pages["pick"])
    for candidate in bundles["pick"].verdict.candidates:
        for one in candidate.constraints:
            figure = interval(one.value, one.low, one.high, formatter_for(one.name))
            assert f"✓ pass {figure}" in text or f"✗ fail {figure}" in text
            if one.name != "size":
                assert "[" in figure
    assert "p99 ≤ 20 ms" in text
    assert "accuracy ≥ 90 %" in text
    assert text.count("★ the pick") == 1


def test_what_was_not_measured_says_so_and_why(pages: dict[str, str]) -> None:
    text = text_of(pages["invalid"])
    assert "– unmeasured not measured the worker died: out of memory" in text
    assert "Measurements that are not valid: LSTM · fp32 · ONNX Runtime; LSTM · fp32 · OpenVINO" in text
    assert "p99: 80 samples are too few for the value" in text
    assert "10 of 16 candidates" not in text
    assert "no upper bound" in text_of(pages["no-upper-bounds"])


def test_more_than_a_few_invalid_measurements_are_counted(bundles: dict[str, Any]) -> None:
    one = bundles["pick"]
    profile = one.profiles[0]
    bad = tuple(dataclasses.replace(each, valid=each.family != "lstm") for each in profile.measurements)
    text = text_of(render(one.manifest, (dataclasses.replace(profile, measurements=bad),), one.verdict))
    assert "4 of 16 measurements are not valid and cannot be picked." in text


def test_an_imported_model_gets_latency_against_memory(pages: dict[str, str]) -> None:
    text = text_of(pages["imported"])
    assert "Latency against memory" in text
    assert "No model here has an accuracy" in text
    assert "Latency against accuracy" not in text


def test_nothing_measured_names_the_command(pages: dict[str, str]) -> None:
    text = text_of(pages["nothing-measured"])
    assert "Nothing was measured yet" in text
    assert "edgekit profile BUNDLE" in text


def test_tables_have_heads_and_scroll_where_a_keyboard_reaches_them(pages: dict[str, str]) -> None:
    tags = read(pages["pick"])
    tables = sum(tag == "table" for tag, _ in tags.seen)
    regions = [attributes for tag, attributes in tags.seen if attributes.get("class") == "scroll"]
    assert tables == len(regions) == 5
    assert all(one["tabindex"] == "0" and one["role"] == "region" for one in regions)
    assert {one["aria-labelledby"] for one in regions} <= set(tags.ids)
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in tags.seen if tag == "th")
    assert sum(tag == "caption" for tag, _ in tags.seen) == tables
    assert sum(tag == "h1" for tag, _ in tags.seen) == 1
    assert {"main", "header", "nav", "footer"} <= {tag for tag, _ in tags.seen}


def test_commands_are_quoted_for_a_shell(bundles: dict[str, Any]) -> None:
    bundle = bundles["pick"]
    verdict = dataclasses.replace(bundle.verdict, budget="p99=20ms; rm -rf ~")
    text = text_of(render(bundle.manifest, bundle.profiles, verdict))
    assert "edgekit pick BUNDLE --budget 'p99=20ms; rm -rf ~' --prefer accuracy,cpu,memory,size,p99" in text


def test_heavy_parts_load_only_when_a_page_is_made() -> None:
    program = (
        "import sys, edgekit.terminal.format\n"
        "assert not {'matplotlib', 'jinja2', 'numpy', 'scipy'} & set(sys.modules)\n"
        "import edgekit.report.page\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_paces_lengths_and_soaks_are_told(bundles: dict[str, Any]) -> None:
    one = bundles["pick"]
    profile = one.profiles[0]
    measured = profile.measurements[0]
    latency = measured.latency
    paced = Paced(
        service=latency,
        missed=3,
        deadline_miss=0.01,
        deadline_miss_low=0.002,
        deadline_miss_high=0.03,
        backlog=4,
        cpu_share=0.125,
        cpu_share_low=0.12,
        cpu_share_high=0.13,
    )
    points = tuple(SoakPoint(start_seconds=start, latency=latency, conditions=None) for start in (0.0, 60.0))
    soak = Soak(seconds=120.0, points=points, ratio=1.25, ratio_low=1.2, ratio_high=1.3)
    changed = dataclasses.replace(measured, every_seconds=0.02, paced=paced, soak=soak, disturbed=0.05)
    crossover = Crossover(
        families=("lstm", "transformer"),
        precision="fp32",
        target="cpu",
        threads=1,
        batch=1,
        length=90.0,
        length_low=80.0,
        length_high=None,
        shortest=16,
        longest=256,
        faster_before="lstm",
        faster_after=None,
        crossings=1,
    )
    page = render(
        one.manifest,
        [dataclasses.replace(profile, measurements=(changed, *profile.measurements[1:]), crossovers=(crossover,))],
        None,
    )
    for words in (
        "every 20.0 ms",
        "backlog 4",
        "12.5 %",
        "5.00 % of the time",
        "The Transformer overtakes at length 90 [80, above 256] (fp32 on ONNX Runtime, 1 thread).",
        "p50 at the end is 1.25 times that at the start [1.20, 1.30]; no temperature is told here.",
    ):
        assert words in text_of(page)


def test_what_would_change_it_and_the_last_release_are_told(bundles: dict[str, Any]) -> None:
    one = bundles["pick"]
    change = Change(
        family="transformer",
        mode="window",
        status="fail",
        nearest=None,
        limit="memory",
        ratio=1.4,
        fits_length=None,
        fits_every_seconds=None,
        more_measuring=None,
        text="Transformer <b>: memory 11.0 MiB",
    )
    baseline = Baseline(bundle="releases/1", created="c", device="local", compared=(), notes=("the pick changed",))
    page = render(
        one.manifest, one.profiles, dataclasses.replace(one.verdict, changes=(change,), baseline=baseline), command=None
    )
    for words in (
        "What would change it",
        "<li>Transformer &lt;b&gt;: memory 11.0\N{NO-BREAK SPACE}MiB</li>",
        "Against the baseline releases/1: no regression beyond noise.",
        "<li>the pick changed</li>",
    ):
        assert words in page


def test_columns_that_hold_no_figure_are_named_and_left_out(bundles: dict[str, Any], pages: dict[str, str]) -> None:
    text = text_of(pages["pick"])
    assert "Measured for none of them: p99.9, missed deadlines, share of a core, covers disturbances up to." in text
    heads = re.findall(r'<th scope="col">([^<]*)</th>', pages["pick"])
    assert "missed deadlines" not in heads
    assert "p99" in heads
    one = bundles["pick"]
    cool = dataclasses.replace(one.profiles[0].measurements[0], disturbed=0.05)
    profile = dataclasses.replace(one.profiles[0], measurements=(cool, *one.profiles[0].measurements[1:]))
    assert '<th scope="col">disturbed</th>' in render(one.manifest, (profile,), one.verdict)


def test_a_figure_is_not_torn_from_its_unit_but_a_command_stays_as_it_is_typed(bundles: dict[str, Any]) -> None:
    one = bundles["pick"]
    verdict = dataclasses.replace(one.verdict, sentence="Ship it: p99 1 ms of 20 ms.", budget="p99<=20 ms")
    page = render(one.manifest, one.profiles, verdict, command="edgekit compare --budget 'p99=20 ms'")
    assert "p99 1\N{NO-BREAK SPACE}ms of 20\N{NO-BREAK SPACE}ms." in page
    assert "<code>edgekit compare --budget &#39;p99=20 ms&#39;</code>" in page
    assert "<code>edgekit pick BUNDLE --budget &#39;p99&lt;=20 ms&#39;" in page


def test_settings_that_were_not_set_take_no_room(pages: dict[str, str]) -> None:
    text = text_of(pages["pick"])
    assert "bundle created 2026-01-02 03:04 UTC" in text
    assert "samples planned for each candidate 1,600" in text
    assert " none " not in text.partition("How it was measured")[2].partition("What the intervals mean")[0]
