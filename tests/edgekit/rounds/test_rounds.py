"""Every round for real, in a tiny version: what it says, what it rests on, and that a run goes on where it stopped."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgekit.report.rounds import render_card
from edgekit.rounds import ROUNDS, training
from edgekit.rounds.bundles import Wanted, bundles
from edgekit.rounds.business.learning import learn, models
from edgekit.rounds.context import Context
from edgekit.rounds.contract import Figure, Round, ScoreCard
from edgekit.rounds.memory.recalling import recall_cells, recall_data
from edgekit.rounds.memory.tasks import recall
from edgekit.rounds.play import check, play_all
from edgekit.rounds.work import Work
from edgekit.terminal.score_card import print_card
from edgekit_export.data.checked import dataset_of
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import InputError
from edgekit_targets.records import dumps, loads, parse

pytestmark = pytest.mark.slow
Played = tuple[Context, ScoreCard]


def figures_of(one: Round) -> list[Figure]:
    found = [*one.evidence, *([one.deciding] if one.deciding else [])]
    return found + [side for aspect in one.aspects for side in (aspect.lstm, aspect.transformer)]


def test_each_round_says_its_claim_and_a_winner_or_a_tie_or_neither(played: Played) -> None:
    _, card = played
    assert [one.name for one in card.rounds] == ["memory", "speed", "business", "edge"]
    for one in card.rounds:
        assert one.claim
        assert one.sentence
        assert one.evidence
        assert not (one.tie and one.winner)


def test_every_figure_lies_in_its_interval_or_says_why_there_is_none(played: Played) -> None:
    for one in played[1].rounds:
        for figure in figures_of(one):
            if figure.value is None:
                assert figure.reason, figure
                assert figure.low is None
                assert figure.high is None
            else:
                assert figure.low is None or figure.low <= figure.value, figure
                assert figure.high is None or figure.value <= figure.high, figure
                assert figure.basis, figure


def test_a_winner_is_named_only_where_the_whole_interval_is_on_its_side(played: Played) -> None:
    for one in played[1].rounds:
        if one.winner is not None and one.deciding is not None and one.name in ("memory", "edge"):
            assert one.deciding.low is not None
            assert one.deciding.high is not None
            assert one.deciding.low > 0.0 if one.winner == "lstm" else one.deciding.high < 0.0


def test_the_closing_table_has_the_rows_of_the_classic_one(played: Played) -> None:
    names = " ".join(aspect.name for aspect in played[1].table)
    for word in ("memory", "speed", "parallelisation", "small data", "large data", "cost", "best for"):
        assert word in names


def test_baselines_stand_beside_the_families(played: Played) -> None:
    _, card = played
    for one in card.rounds:
        if one.name in ("business", "edge"):
            for table in one.tables:
                text = " ".join([*table.columns, *(cell for row in table.rows for cell in row)])
                assert "linear" in text
                assert "conv" in text


def test_a_fraction_too_small_for_the_classes_is_skipped_and_named(played: Played) -> None:
    business = next(one for one in played[1].rounds if one.name == "business")
    assert any("aeon:UnitTest at 5.00 %" in note and "class" in note for note in business.notes)


def test_devices_that_nobody_measured_are_blank_and_say_so(played: Played) -> None:
    edge = next(one for one in played[1].rounds if one.name == "edge")
    rows = [row for row in edge.tables[0].rows if row[0] == "raspberry-pi-4: not measured"]
    assert rows
    assert set(rows[0][1:]) == {""}


def test_the_card_comes_back_from_json_and_makes_a_page_and_a_terminal_card(
    played: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    _, card = played
    read = parse(ScoreCard, loads(dumps(card), "card"), "card")
    assert [one.winner for one in read.rounds] == [one.winner for one in card.rounds]
    page = render_card(card)
    assert page == render_card(card)
    assert page.count("<svg") == sum(len(one.plots) for one in card.rounds)
    print_card(card)
    printed = capsys.readouterr().out
    assert "Memory power" in printed
    assert "quick" in printed


def test_the_forecast_knows_every_stage_and_no_other(played: Played) -> None:
    context, card = played
    names = {one.name for one in card.rounds}
    foreseen = {stage for one in ROUNDS if one.NAME in names for stage in one.stages(context)}
    alone = {stage for stage in foreseen if "all cores" in stage}  # where there is more than one core
    assert foreseen - alone <= set(context.progress) <= foreseen  # type: ignore[call-overload]


def test_a_run_in_the_same_folder_trains_nothing_again(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    context, _ = played
    monkeypatch.setattr(training, "prepare", lambda *arguments: pytest.fail("it was trained already"))
    again = recall_cells(dataclasses.replace(context, work=Work(context.out)))
    for one, other in zip(again, recall_cells(context), strict=True):
        assert one.trained == other.trained


def test_an_interrupted_run_keeps_what_was_trained_and_does_the_rest_the_same(
    played: Played, tmp_path: Path, make_context: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def stop(stage: str, done: float, total: float) -> None:
        if stage == "memory: recall" and done == 2:
            raise KeyboardInterrupt

    context = make_context(tmp_path / "out", progress=stop)  # type: ignore[operator]
    with pytest.raises(KeyboardInterrupt):
        recall_cells(context)
    calls = []
    real = training.prepare
    monkeypatch.setattr(training, "prepare", lambda *given: calls.append(given) or real(*given))  # type: ignore[func-returns-value]
    whole = recall_cells(make_context(tmp_path / "out"))  # type: ignore[operator]
    expected = recall_cells(played[0])
    assert 0 < len(calls) < sum(len(cell.trained) for cell in expected)
    for one, other in zip(whole, expected, strict=True):
        assert np.array_equal(one.right, other.right)


def test_what_the_test_part_holds_changes_nothing_that_is_trained_or_chosen(
    played: Played, tmp_path: Path, make_context: object
) -> None:
    """The same training and validation samples with another test part: same weights, same choice."""
    context = make_context(tmp_path)  # type: ignore[operator]
    arrays = recall(3, 48, 24)
    others = arrays | {"x_test": arrays["x_valid"][::-1], "y_test": arrays["y_valid"]}
    tuned, answered = [], []
    effort = dataclasses.replace(context.effort, learning_rates=(1e-3, 2e-2))
    settings = {"epochs": "3", "lstm.hidden": "6", "lstm.layers": "1"}
    for one in (arrays, others):
        data = dataset_of("made", one, 0)
        own = dataclasses.replace(context, effort=effort)
        tuned.append(training.tune(own, "lstm", data, settings))
        job = training.Job(family="lstm", dataset=data, settings=tuned[-1], seed=1)
        answered.append(training.train(own, job))
    assert tuned[0] == tuned[1]
    assert answered[0].valid == answered[1].valid
    assert answered[0].valid_loss == answered[1].valid_loss


def test_no_family_is_named_on_fewer_than_three_seeds(make_context: object, tmp_path: Path) -> None:
    effort = make_context(tmp_path).effort  # type: ignore[operator]
    with pytest.raises(InputError, match="3 seeds"):
        check(dataclasses.replace(effort, seeds=2))


def test_recall_longer_than_its_sequences_is_refused_before_anything_is_trained(
    make_context: object, tmp_path: Path
) -> None:
    context = make_context(tmp_path)  # type: ignore[operator]
    short = dataclasses.replace(context, effort=dataclasses.replace(context.effort, length=3))
    with pytest.raises(InputError, match="--distances"):
        play_all(short)
    assert not (tmp_path / "work.jsonl").exists()


def test_learning_curves_rest_on_one_test_part(played: Played) -> None:
    context, _ = played
    model = models(context, "aeon:UnitTest")[0]
    found = [one for fraction in (0.5, 1.0) if (one := learn(context, model, fraction)) is not None]
    assert found[0].samples < found[1].samples
    assert found[0].right.shape == found[1].right.shape
    assert recall_data(context, 2).startswith("npz:")


def test_calibration_sees_no_test_sample(make_context: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quantized files are the same bytes whatever the test part holds."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    context = make_context(tmp_path / "out")  # type: ignore[operator]
    arrays = recall(3, 48, 24)
    others = arrays | {"x_test": arrays["x_valid"][::-1], "y_test": arrays["y_valid"][::-1]}
    settings = {"epochs": "2", "dim": "8", "heads": "2", "ff": "8", "layers": "1"}
    hashes = []
    for name, one in (("first", arrays), ("second", others)):
        wanted = Wanted(
            name=name,
            models=["transformer"],
            data=context.task(name, one),
            settings=settings,
            precisions=("fp32", "int8-dynamic", "int8-weight"),
        )
        (bundle,) = bundles(context, [wanted], "export")
        hashes.append({each.id: each.sha256 for each in read_manifest(bundle).artifacts})
    assert len(hashes[0]) >= 2, "a quantized file is among them"
    assert hashes[0] == hashes[1]
