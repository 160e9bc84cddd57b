from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.budget.load import load_budget
from edgekit.decision.figures import Evidence
from edgekit.decision.pick import pick
from edgekit_targets.types.verdict import Change

MIB = 2**20
Make = Callable[..., Evidence]
MakeBundle = Callable[..., Path]
BUDGET = load_budget("p99=20ms, memory=8MiB, accuracy=0.9")


def only(changes: tuple[Change, ...], family: str) -> Change:
    (found,) = [one for one in changes if one.family == family]
    return found


def test_says_by_how_much_and_in_which_limit_a_model_fails(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_evidence("lstm"),
        make_evidence("transformer", memory=12 * MIB),
        make_evidence("transformer", "int8-dynamic", memory=10 * MIB),
    )
    verdict = pick(bundle, BUDGET)
    assert [one.family for one in verdict.changes] == ["transformer"]
    found = verdict.changes[0]
    assert (found.limit, found.status) == ("memory", "fail")
    assert found.ratio == pytest.approx(10 / 8)
    assert found.nearest is not None
    assert found.nearest.precision == "int8-dynamic"
    assert found.fits_length is None
    assert "1.25 times the limit" in found.text
    assert "tried: fp32 and int8, with 1 thread" in found.text
    assert "not tried: other thread counts and other lengths" in found.text


def test_names_the_largest_length_measured_at_which_it_would_fit(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_evidence("lstm"),
        *(
            make_evidence("transformer", length=length, p99=p99)
            for length, p99 in ((4, 0.002), (8, 0.01), (16, 0.0199), (25, 0.03), (50, 0.06))
        ),
    )
    found = only(pick(bundle, BUDGET).changes, "transformer")
    assert found.fits_length == 8
    assert (
        "the largest length measured at which it fits is 8 (fp32 on ONNX Runtime, 1 thread; its accuracy there was not "
        "measured)" in found.text
    )
    assert "other lengths" not in found.text


def test_the_largest_length_may_need_another_precision_and_more_threads(
    make_evidence: Make, make_bundle: MakeBundle
) -> None:
    bundle = make_bundle(
        make_evidence("lstm"),
        make_evidence("transformer", p99=0.03),
        make_evidence("transformer", length=8, p99=0.01),
        make_evidence("transformer", "int8-dynamic", length=16, p99=0.01, threads=2),
    )
    found = only(pick(bundle, BUDGET).changes, "transformer")
    assert found.fits_length == 16
    assert "the largest length measured at which it fits is 16 (int8 on ONNX Runtime, 2 threads" in found.text


def test_no_length_is_offered_where_the_answers_fall_short(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_evidence("lstm"),
        make_evidence("transformer", accuracy=0.5, p99=0.03),
        make_evidence("transformer", accuracy=0.5, length=8, p99=0.01),
    )
    found = only(pick(bundle, BUDGET).changes, "transformer")
    assert found.fits_length is None
    assert "40 points short, and fails p99 too; tried: fp32" in found.text
    assert "length" not in found.text


def test_names_the_shortest_pace_at_which_it_would_fit(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_evidence("lstm"),
        make_evidence("transformer", p99=0.03),
        make_evidence("transformer", p99=0.01, every_seconds=0.2),
        make_evidence("transformer", p99=0.01, every_seconds=0.1),
    )
    found = only(pick(bundle, BUDGET).changes, "transformer")
    assert found.fits_every_seconds == 0.1
    assert "the shortest pace measured at which it fits is 0.1s (fp32 on ONNX Runtime, 1 thread)" in found.text


def test_what_is_undecided_says_how_much_more_measuring_would_settle_it(
    make_evidence: Make, make_bundle: MakeBundle
) -> None:
    verdict = pick(make_bundle(make_evidence("lstm", p99=0.0195)), BUDGET)
    assert verdict.verdict == "undecided"
    (found,) = verdict.changes
    assert found.more_measuring is not None
    assert found.more_measuring >= 1.0
    (candidate,) = verdict.candidates
    note = next(one.note for one in candidate.constraints if one.name == "p99")
    assert note is not None
    assert found.text.endswith(f"; {note} about p99")
    assert found.text.count(note) == 1


def test_where_more_measuring_is_no_remedy_none_is_promised(make_evidence: Make, make_bundle: MakeBundle) -> None:
    (spread,) = pick(make_bundle(make_evidence("lstm", memory=int(7.99 * MIB))), BUDGET).changes
    assert spread.more_measuring is None
    assert "differs from launch to launch" in spread.text
    (missing,) = pick(make_bundle(make_evidence("lstm", memory=None)), BUDGET).changes
    assert "memory has to be measured first" in missing.text


def test_the_nearest_is_by_its_worst_ratio_even_where_a_figure_is_missing(
    make_evidence: Make, make_bundle: MakeBundle
) -> None:
    bundle = make_bundle(make_evidence("lstm", p99=0.05), make_evidence("conv", p99=0.03))
    verdict = pick(bundle, load_budget("p99=20ms, energy=1mJ"))
    assert verdict.verdict == "nothing-fits"
    assert "Nearest: convolutional baseline" in verdict.sentence
    assert "30.0 ms" in verdict.sentence


@pytest.mark.parametrize("figures", [{"disturbed": 0.4}, {"p99": None}])
def test_a_model_without_a_valid_measurement_says_why(
    make_evidence: Make, make_bundle: MakeBundle, figures: dict[str, Any]
) -> None:
    lost = make_evidence("transformer", valid=False, warnings=("the reason of it",), **figures)
    found = only(pick(make_bundle(make_evidence("lstm"), lost), BUDGET).changes, "transformer")
    assert found.nearest is None
    assert "no valid measurement: the reason of it" in found.text


def test_what_was_disturbed_could_yet_fit_unless_a_limit_without_a_clock_fails(
    make_evidence: Make, make_bundle: MakeBundle
) -> None:
    slow = make_evidence("conv", p99=0.5)
    disturbed = make_evidence("lstm", p99=0.025, valid=False, disturbed=0.4)
    assert pick(make_bundle(slow, disturbed), BUDGET).verdict == "undecided"
    hopeless = make_evidence("lstm", p99=0.5, valid=False, disturbed=0.4)
    assert pick(make_bundle(slow, hopeless), BUDGET).verdict == "nothing-fits", "not one sample was within 20 ms"
    too_large = make_evidence("lstm", memory=80 * MIB, valid=False, disturbed=0.4)
    assert pick(make_bundle(slow, too_large), BUDGET).verdict == "nothing-fits"
