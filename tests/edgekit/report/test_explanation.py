"""The page of an explanation: its words are those of the figures, every head is there, tokens stay text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from edgekit.report.explanation import render_explanation
from tests.edgekit.report.explanations import EXPLANATIONS


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_a_map_for_every_head_and_curves_for_every_method(pages: dict[str, str], name: str) -> None:
    found, page = EXPLANATIONS[name], pages[name]
    heads = [(layer, head) for layer, each in enumerate(found.attention or (), 1) for head in range(1, len(each) + 1)]
    for layer, head in heads:
        assert page.count(f'<figure id="map-{layer}-{head}">') == 1
    assert page.count("<svg") == 1 + len(found.faithfulness) + len(heads)
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        root = ET.fromstring(svg)
        assert root.attrib["aria-label"]
        images = [one for one in root.iter() if one.tag.endswith("image")]
        assert all(one.attrib["href"].startswith("data:image/png;base64,") for one in images)
    assert render_explanation(found) == page


def test_the_words_are_computed(pages: dict[str, str]) -> None:
    found, page = EXPLANATIONS["sentence"], " ".join(pages["sentence"].split())
    assert "The answer is “cars, likes”, with 90.0 %; it is “food, hates”." in page
    occlusion = found.attributions[-1]
    top = found.labels[occlusion.values.index(max(occlusion.values))]
    assert f"hiding {top} costs the most, {max(occlusion.values) * 100:.1f} points of probability" in page
    assert "less well than occlusion: -0.200 [-0.250, -0.150] in score" in page
    assert "0.500 [0.450, 0.550]" in page
    assert found.attention is not None
    last = found.attention[0][0][-1]
    assert f"takes most from {found.labels[last.index(max(last))]}: {max(last) * 100:.1f} %" in page


def test_what_has_no_score_says_why(pages: dict[str, str]) -> None:
    assert "not measured (nothing explains it)" in pages["no-score"]
    assert 'id="attention"' not in pages["recurrent"]


def test_tokens_stay_text(pages: dict[str, str]) -> None:
    page = pages["hostile-tokens"]
    assert "<script" not in page
    assert "<b>cars" not in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
