import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.decision.accuracy import accuracy_difference, can_tell, right_of, validation_difference
from edgekit.decision.figures import Evidence
from edgekit.decision.judge import judge
from edgekit.decision.prefer import DEFAULT, rank
from edgekit_export.verify.accuracy import accuracy
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Accuracy
from edgekit_targets.types.verdict import Limit

Make = Callable[..., Evidence]


def answered(right: Any) -> Accuracy:
    """As the export writes it: labels are all class 0, a wrong answer is class 1."""
    wrong = ~np.asarray(right)
    logits = np.stack([1.0 - wrong, wrong.astype(np.float64)], axis=1).astype(np.float32)
    return accuracy(logits, np.zeros(len(wrong), np.int64))


def with_validation(one: Evidence, found: Accuracy) -> Evidence:
    return dataclasses.replace(one, artifact=dataclasses.replace(one.artifact, accuracy_validation=found))


def test_reads_back_which_samples_the_export_found_right() -> None:
    right = np.random.default_rng(3).random(70) < 0.8
    found = right_of(answered(right))
    assert found is not None
    assert found.tolist() == right.tolist()
    assert right_of(dataclasses.replace(answered(right), right=None)) is None


@pytest.mark.parametrize(
    "changes", [{"right": "zz"}, {"right": "ff"}, {"value": 0.99}, {"samples": 69}, {"right": "00" * 9}]
)
def test_refuses_bits_that_contradict_the_figure(changes: dict[str, object]) -> None:
    found = dataclasses.replace(answered([True] * 63 + [False] * 7), **changes)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"manifest\.json"):
        right_of(found)


def test_pairs_tell_apart_what_two_intervals_would_not() -> None:
    count = 400
    good = np.arange(count) >= 20
    worse = good & (np.arange(count) >= 28)
    found = accuracy_difference(answered(good), answered(worse))
    assert found is not None
    assert found.value == pytest.approx(0.02)
    assert can_tell(found)
    bare = [dataclasses.replace(answered(one), right=None) for one in (good, worse)]
    alone = accuracy_difference(*bare)
    assert alone is not None
    assert alone.p_value is None
    assert not can_tell(alone)


def test_no_accuracy_no_difference(make_evidence: Make) -> None:
    assert validation_difference(make_evidence().artifact, make_evidence(validation=None).artifact) is None


def test_a_difference_that_chance_makes_too_leaves_the_choice_to_the_next_metric(make_evidence: Make) -> None:
    better = with_validation(make_evidence("transformer", cpu=0.010), answered([True] * 54))
    cheaper = with_validation(make_evidence("lstm", cpu=0.001), answered([True] * 52 + [False] * 2))
    ranking = rank([better, cheaper], DEFAULT)
    assert ranking.winner is cheaper
    assert len(ranking.steps[0].kept) == 2
    far = with_validation(cheaper, answered([True] * 44 + [False] * 10))
    assert rank([better, far], DEFAULT).winner is better


def test_accuracy_lost_to_quantization_is_known_by_its_pairs(make_evidence: Make) -> None:
    limit = [Limit(name="accuracy_drop", value=0.02, upper=True)]
    good = np.arange(800) >= 40
    one = make_evidence(precision="int8-dynamic")
    assert one.fp32 is not None
    fp32 = dataclasses.replace(one.fp32, accuracy_validation=answered(good))
    both = dataclasses.replace(with_validation(one, answered(good & (np.arange(800) >= 44))), fp32=fp32)
    found = judge(both, limit).constraints[0]
    assert found.value == pytest.approx(0.005)
    assert found.high is not None
    assert found.status == "pass"
    assert found.high < 0.02
