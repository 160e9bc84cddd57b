"""Explanations of real files, held against what is known of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from edgekit.explaining.contract import Explanation
from edgekit.explaining.curves import area, curves
from edgekit.explaining.explain import explain, opened
from edgekit.explaining.faithfulness import measure, score
from edgekit.explaining.samples import samples_of
from edgekit.explaining.segments import segments
from edgekit_export.data.text import EXAMPLE
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.bundle import read_manifest
from edgekit_targets.progress import silent

pytestmark = pytest.mark.slow
DECIDING, STEPS = 2, 6  # as conftest makes the file
ATTENTION, LSTM = "transformer-window-fp32-portable-attention", "lstm-window-fp32-portable-plain"


def told(bundle: Path, artifact: str, text: str, agent: LocalAgent, most: int = 40) -> Explanation:
    return explain(bundle, artifact, text, agent=agent, progress=silent, most=most)


def test_of_a_file_that_rests_on_one_step_occlusion_finds_it_and_scores_the_most_there_is(
    hand_bundle: Path, agent: LocalAgent
) -> None:
    (artifact,) = read_manifest(hand_bundle).artifacts
    found = told(hand_bundle, artifact.id, "0", agent)
    (occlusion,) = found.attributions
    others = [value for index, value in enumerate(occlusion.values) if index != DECIDING]
    assert max(map(abs, others)) < 1e-6 < occlusion.values[DECIDING]
    assert found.labels == tuple(map(str, range(STEPS)))
    (faithful,) = found.faithfulness
    # One segment decides: the probability is lost at the first step of deletion and back at the first of insertion.
    assert faithful.score == pytest.approx(1.0 - 1.0 / STEPS, abs=1e-6)
    assert faithful.deletion_curve.value[1] == pytest.approx(faithful.hidden)
    assert faithful.insertion_curve.value[1] == pytest.approx(faithful.full)
    assert found.attention is None
    assert found.truth is None


def test_the_answer_is_that_of_the_file(text_bundle: Path, agent: LocalAgent) -> None:
    manifest = read_manifest(text_bundle)
    assert manifest.data is not None
    assert manifest.data.vocab is not None
    found = told(text_bundle, LSTM, EXAMPLE, agent)
    session = onnxruntime.InferenceSession(text_bundle / f"{LSTM}.onnx", providers=["CPUExecutionProvider"])
    ids = np.array([[manifest.data.vocab.index(word) for word in EXAMPLE.split()]])
    (logits,) = session.run(["logits"], {"x": ids})
    odds = np.exp(logits[0] - logits[0].max())
    assert list(found.probabilities) == list(manifest.data.classes)
    np.testing.assert_allclose(list(found.probabilities.values()), odds / odds.sum(), rtol=1e-4, atol=1e-6)
    assert found.answer == found.truth == "cars, likes"
    hidden = ids.copy()
    hidden[0, 3] = manifest.data.vocab.index("<unk>")
    (without,) = session.run(["logits"], {"x": hidden})
    odds = np.exp(without[0] - without[0].max())
    lost = found.probability - float((odds / odds.sum())[manifest.data.classes.index(found.answer)])
    assert found.attributions[0].values[3] == pytest.approx(lost, abs=1e-5)
    assert session.get_modelmeta().custom_metadata_map["edgekit.vocab"].startswith('["<unk>", "Tesla"')


@pytest.mark.parametrize("artifact", [ATTENTION, LSTM])
def test_occlusion_finds_the_two_words_that_decide(text_bundle: Path, agent: LocalAgent, artifact: str) -> None:
    found = told(text_bundle, artifact, EXAMPLE, agent)
    occlusion = next(one for one in found.attributions if one.method == "occlusion")
    top = sorted(found.labels, key=lambda label: -occlusion.values[found.labels.index(label)])[:2]
    assert set(top) == {"Tesla", "loves"}
    faithful = next(one for one in found.faithfulness if one.method == "occlusion")
    assert faithful.low is not None
    assert faithful.low > 0.3
    assert faithful.samples == 40


def test_the_attention_is_the_files(text_bundle: Path, agent: LocalAgent) -> None:
    found = told(text_bundle, ATTENTION, "0", agent)
    assert found.answered_by == "transformer-window-fp32-portable-plain"
    assert found.labels == tuple(EXAMPLE.split())
    with np.load(text_bundle / "golden" / f"{ATTENTION}.npz") as golden:
        wanted = golden["output.attention"][0]
    maps = np.array(found.attention)
    np.testing.assert_allclose(maps, wanted, atol=1e-5)
    by_method = {one.method: np.array(one.values) for one in found.attributions}
    np.testing.assert_allclose(by_method["attention"], maps[-1, :, -1].mean(axis=0), atol=1e-6)
    assert by_method["rollout"].sum() == pytest.approx(1.0)
    assert [one.method for one in found.faithfulness] == ["attention", "rollout", "occlusion"]
    assert all(one.difference is not None for one in found.faithfulness[:2])
    assert found.faithfulness[2].difference is None


def test_a_stream_is_explained_as_its_window_is(text_bundle: Path, stream_bundle: Path, agent: LocalAgent) -> None:
    window = told(text_bundle, LSTM, "7", agent)
    stream = told(stream_bundle, "lstm-stream-fp32-portable-plain", "7", agent)
    np.testing.assert_allclose(stream.attributions[0].values, window.attributions[0].values, atol=1e-4)
    assert stream.faithfulness[0].score == pytest.approx(window.faithfulness[0].score, abs=1e-3)


def test_another_length_is_explained_and_said(text_bundle: Path, agent: LocalAgent) -> None:
    found = told(text_bundle, LSTM, "Tesla loves trains", agent)
    assert found.labels == ("Tesla", "loves", "trains")
    assert found.truth is None
    assert found.notes == ("it has 3 steps, the model was trained on 8",)


def test_random_orders_score_nothing_on_average(text_bundle: Path, agent: LocalAgent) -> None:
    manifest = read_manifest(text_bundle)
    artifact = next(one for one in manifest.artifacts if one.id == LSTM)
    samples = samples_of(text_bundle, manifest, artifact)
    orders = np.array(list(itertools.permutations(range(4))))
    x = np.repeat(samples.x[:1, 3:7], len(orders), axis=0)
    with opened(text_bundle, manifest, artifact, 4, agent, ("occlusion",)) as (model, _):
        target = model.answer(x).argmax(axis=1)
        deletion, insertion = curves(model, x, samples.blank, segments(4), orders, target)
    gains = area(insertion) - area(deletion)
    assert gains.mean() == pytest.approx(0.0, abs=1e-6)
    assert np.abs(gains).max() > 0.01


def test_scores_of_one_model_twice_are_those_of_the_model(text_bundle: Path, agent: LocalAgent) -> None:
    manifest = read_manifest(text_bundle)
    artifact = next(one for one in manifest.artifacts if one.id == LSTM)
    samples = samples_of(text_bundle, manifest, artifact)
    with opened(text_bundle, manifest, artifact, 8, agent, ("occlusion",)) as (model, _):
        found = measure(model, None, samples.x[:20], samples.blank, ("occlusion",))["occlusion"]
    once, twice = score("occlusion", [found]), score("occlusion", [found, found])
    assert once.score == pytest.approx(twice.score)
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))
    gain, cost = found.gain.mean(), found.cost.mean()
    assert once.score == pytest.approx(gain / cost)
    assert once.full - once.hidden == pytest.approx(cost)
