"""The page of the rounds: the card first, every claim with what came of it, names without power."""

from __future__ import annotations

from edgekit.report.rounds import render_card
from tests.edgekit.report.cards import CARDS


def test_the_same_card_gives_the_same_page(pages: dict[str, str]) -> None:
    assert render_card(CARDS["card"]) == pages["card"]


def test_the_card_says_who_won_what_and_what_was_not_shown(pages: dict[str, str]) -> None:
    page = pages["card"]
    assert "LSTM 1, Transformer 1, 1 tied" in page
    assert "winner: transformer" in page
    assert "a tie" in page
    assert "was not shown here" in page
    assert "a quick run" in page
    assert page.index("score card") < page.index("LSTM 1") < page.index("Round 1")


def test_figures_and_what_they_rest_on_are_there(pages: dict[str, str]) -> None:
    page = pages["card"]
    assert page.count("<svg") == 6
    assert "81.0\N{NO-BREAK SPACE}% [77.0,\N{NO-BREAK SPACE}84.0]" in page
    assert "3 seeds, 2 sizes, 128 test samples a distance" in page
    assert "Skipped: aeon:UnitTest" in page


def test_what_was_not_measured_says_so_and_why(pages: dict[str, str]) -> None:
    page = pages["unmeasured-card"]
    assert "not measured (the machine was too busy for a valid figure)" in page
    assert "winner" not in page.partition("<section")[2].partition("</section>")[0]


def test_names_have_no_power(pages: dict[str, str]) -> None:
    page = pages["hostile-card"]
    assert "<script" not in page
    assert "\u202e" not in page
    assert "\x00" not in page
