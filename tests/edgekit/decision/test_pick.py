import dataclasses
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.budget.load import load_budget
from edgekit.decision.figures import Evidence
from edgekit.decision.pick import pick
from edgekit.decision.store import newest_verdict, write_verdict
from edgekit.profiling.store import read_profiles, write_profile
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.records import dumps, loads, parse
from edgekit_targets.types.profile import Profile
from edgekit_targets.types.verdict import Verdict

MIB = 2**20
Make = Callable[..., Evidence]
MakeBundle = Callable[..., Path]
BUDGET = load_budget("p99=20ms, memory=8MiB, accuracy=0.9")


def test_picks_what_fits_and_says_why_the_other_does_not(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_evidence("lstm", "int8-dynamic", p99=0.00041, memory=6 * MIB, validation=0.95),
        make_evidence("transformer", "fp32", p99=0.0008, memory=11 * MIB, validation=0.984),
    )
    verdict = pick(bundle, BUDGET)
    assert verdict.verdict == "pick"
    assert verdict.choice is not None
    assert (verdict.choice.family, verdict.choice.precision, verdict.choice.target) == ("lstm", "int8-dynamic", "cpu")
    assert verdict.choices.window == verdict.choice
    assert verdict.choices.stream is None
    assert not verdict.tie
    for words in (
        "Ship the LSTM, int8, on ONNX Runtime with 1 thread",
        "p99 410 us of 20 ms",
        "6.00 MiB of 8 MiB",
    ):
        assert words in verdict.sentence
    assert (
        "The Transformer (fp32 on ONNX Runtime at best) is 3.4 points more accurate but needs 11.0 MiB of memory "
        "where 8 MiB is allowed."
    ) in verdict.sentence


def test_names_the_figure_by_which_the_other_family_lost(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_evidence("lstm", cpu=0.001, validation=0.97), make_evidence("transformer", cpu=0.002, validation=0.97)
    )
    verdict = pick(bundle, BUDGET)
    assert (
        "The Transformer (fp32 on ONNX Runtime at best) fits too, but its CPU time is 2.00 ms against 1.00 ms."
        in verdict.sentence
    )
    assert any("68 samples" in reason for reason in verdict.reasons)


def test_a_family_that_is_not_settled_is_not_said_to_fail(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(make_evidence("lstm"), make_evidence("transformer", p99=0.0199, cpu=0.0024))
    assert (
        "The Transformer (fp32 on ONNX Runtime at best) is undecided: p99 19.9 ms [18.9, 20.9] of 20 ms; "
        in pick(bundle, BUDGET).sentence
    )


def test_a_family_that_cannot_win_is_not_said_to_be_undecided(make_evidence: Make, make_bundle: MakeBundle) -> None:
    slow = make_evidence("transformer", p99=0.0199, cpu=0.005)
    sentence = pick(make_bundle(make_evidence("lstm"), slow), BUDGET).sentence
    assert (
        "The Transformer (fp32 on ONNX Runtime at best) cannot win, whatever its p99: the LSTM, fp32, on ONNX Runtime "
        "is preferred to it for sure."
    ) in sentence
    assert "undecided" not in sentence
    open_too = make_evidence("transformer", "int8-dynamic", p99=0.0198, cpu=0.0001)
    assert (
        "Still open: the Transformer, int8" in pick(make_bundle(make_evidence("lstm"), slow, open_too), BUDGET).sentence
    )


def test_where_a_baseline_wins_the_question_of_the_pair_is_answered_too(
    make_evidence: Make, make_bundle: MakeBundle
) -> None:
    bundle = make_bundle(
        make_evidence("linear", validation=1.0),
        make_evidence("lstm", validation=0.95),
        make_evidence("transformer", validation=0.97),
    )
    verdict = pick(bundle, BUDGET)
    assert verdict.choice is not None
    assert verdict.choice.family == "linear"
    assert "Between the LSTM and the Transformer it would be the Transformer, fp32" in verdict.sentence


def test_nothing_fits_names_the_nearest_and_by_how_much(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_evidence("lstm", p99=0.030),
        make_evidence("transformer", p99=0.090),
        make_evidence("conv", memory=80 * MIB),
    )
    verdict = pick(bundle, BUDGET)
    assert verdict.verdict == "nothing-fits"
    assert verdict.choice is None
    assert verdict.sentence.endswith(
        "Nearest: LSTM, fp32, on ONNX Runtime with 1 thread: p99 30.0 ms [28.5, 31.5] of 20 ms, 1.50 times the limit."
    )
    assert verdict.reasons[-1] == (
        "nearest: LSTM, fp32, on ONNX Runtime with 1 thread (1.50 times a limit); Transformer, fp32, on ONNX Runtime "
        "with 1 thread (4.50 times a limit); convolutional baseline, fp32, on ONNX Runtime with 1 thread (10.0 times a "
        "limit)"
    )


@pytest.mark.parametrize("figures", [{"p99": 0.0199}, {"memory": None}, {"accuracy": None}])
def test_what_is_not_settled_is_undecided(
    make_evidence: Make, make_bundle: MakeBundle, figures: dict[str, float | None]
) -> None:
    verdict = pick(make_bundle(make_evidence("lstm", **figures), make_evidence("conv", p99=0.5)), BUDGET)
    assert verdict.verdict == "undecided"
    assert verdict.choice is None
    assert "Nearest: LSTM, fp32, on ONNX Runtime with 1 thread: " in verdict.sentence, (
        "what fails for sure is not what to go on with"
    )


def test_the_undecided_names_one_candidate_and_each_open_limit_once(
    make_evidence: Make, make_bundle: MakeBundle
) -> None:
    near, far = make_evidence("lstm", p99=0.0195), make_evidence("transformer", p99=0.0205)
    verdict = pick(make_bundle(far, near), BUDGET)
    assert verdict.verdict == "undecided"
    assert "Nearest: LSTM" in verdict.sentence
    assert verdict.sentence.count("would tell") + verdict.sentence.count("too near the limit") == 1


def test_an_invalid_run_is_never_picked(make_evidence: Make, make_bundle: MakeBundle) -> None:
    best = make_evidence("transformer", validation=1.0, cpu=0.0001, valid=False)
    verdict = pick(make_bundle(best, make_evidence("lstm")), BUDGET)
    assert verdict.choice is not None
    assert verdict.choice.family == "lstm"
    assert all(one.family != "transformer" for one in verdict.pareto)


def test_a_candidate_that_could_not_run_does_not_keep_the_question_open(
    make_evidence: Make, make_bundle: MakeBundle
) -> None:
    dead = make_evidence("lstm", p99=None, memory=None, valid=False, warnings=("the worker died with SIGSEGV",))
    assert pick(make_bundle(dead, make_evidence("conv", p99=0.5)), BUDGET).verdict == "nothing-fits"


def test_a_tie_is_called_one(make_evidence: Make, make_bundle: MakeBundle) -> None:
    verdict = pick(make_bundle(make_evidence("lstm"), make_evidence("lstm", target="openvino")), BUDGET)
    assert verdict.tie
    assert (
        "It is a tie: nothing that is preferred tells it apart from the LSTM, fp32, on OpenVINO with 1 thread."
        in verdict.sentence
    )


def test_a_tie_of_many_names_two(make_evidence: Make, make_bundle: MakeBundle) -> None:
    four = [make_evidence("lstm", target=target, threads=n) for target in ("cpu", "openvino") for n in (1, 2)]
    verdict = pick(make_bundle(*four), BUDGET)
    assert (
        "apart from the LSTM, fp32, on ONNX Runtime with 2 threads, the LSTM, fp32, on OpenVINO with 1 thread and 1 "
        "more." in verdict.sentence
    )


def test_a_family_that_fails_more_than_one_limit_names_the_worst_with_its_figure(
    make_evidence: Make, make_bundle: MakeBundle
) -> None:
    bad = make_evidence("transformer", p99=0.03, memory=24 * MIB, accuracy=0.5)
    sentence = pick(make_bundle(make_evidence("lstm"), bad), BUDGET).sentence
    assert "needs 24.0 MiB of memory where 8 MiB is allowed, and fails p99 and accuracy too." in sentence


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [
        (0.5, "reaches accuracy 50.0 % where 90 % is asked."),
        (
            0.91,
            "is not sure to reach accuracy 90 %: 91.0 % [88.0, 94.0] (370 samples are too few to tell; more labelled "
            "data would).",
        ),
    ],
)
def test_a_family_whose_answers_fall_short_is_not_praised_for_them(
    make_evidence: Make, make_bundle: MakeBundle, accuracy: float, words: str
) -> None:
    short = make_evidence("transformer", accuracy=accuracy, validation=1.0)
    sentence = pick(make_bundle(make_evidence("lstm"), short), BUDGET).sentence
    assert f"The Transformer (fp32 on ONNX Runtime at best) {words}" in sentence


def test_more_measuring_is_advised_only_where_it_could_change_the_answer(
    make_evidence: Make, make_bundle: MakeBundle
) -> None:
    near: dict[str, float] = {"p99": 0.0199}
    fails_anyway = make_evidence("conv", memory=80 * MIB, **near)
    invalid = make_evidence("linear", valid=False, **near)
    loses_anyway = make_evidence("transformer", cpu=0.005, **near)
    may_win = make_evidence("lstm", "int8-dynamic", cpu=0.0001, **near)
    verdict = pick(make_bundle(make_evidence("lstm"), fails_anyway, invalid, loses_anyway, may_win), BUDGET)
    assert verdict.verdict == "pick"
    notes = {(one.family, one.precision): one.constraints[0].note for one in verdict.candidates if one.status != "pass"}
    assert {one.constraints[0].status for one in verdict.candidates if one.status != "pass"} == {"undecided"}
    assert notes["conv", "fp32"] is None
    assert notes["linear", "fp32"] is None
    assert notes["transformer", "fp32"] == "cannot win, whatever this is"
    assert "would tell" in (notes["lstm", "int8-dynamic"] or "")
    (change,) = [one for one in verdict.changes if one.family == "transformer"]
    assert change.more_measuring is None
    assert "; cannot win, whatever this is: what fits" in change.text


def test_one_that_would_be_preferred_if_it_fits_is_named(make_evidence: Make, make_bundle: MakeBundle) -> None:
    sure, open_ = make_evidence("linear", target="openvino"), make_evidence("linear", cpu=0.0001, p99=0.0199)
    verdict = pick(make_bundle(sure, open_, make_evidence("lstm", cpu=0.01)), BUDGET)
    assert verdict.choice is not None
    assert verdict.choice.target == "openvino", "the pick is what is sure to fit"
    told = "Still open: the linear baseline, fp32, on ONNX Runtime with 1 thread would be preferred if it fits: p99 "
    assert told in verdict.sentence
    assert re.search(r"about \d+ more launch(es)?( \(.* or more\))? would tell\.", verdict.sentence)
    change = verdict.changes[0]
    assert change.nearest is not None
    assert (change.family, change.nearest.target, change.status, change.limit) == ("linear", "cpu", "undecided", "p99")
    assert change.more_measuring is not None
    assert change.text.endswith("edgekit profile with this budget goes on")


def test_a_family_that_would_be_preferred_is_told_once(make_evidence: Make, make_bundle: MakeBundle) -> None:
    verdict = pick(make_bundle(make_evidence("lstm"), make_evidence("transformer", cpu=0.0001, p99=0.0199)), BUDGET)
    assert "Still open: the Transformer" in verdict.sentence
    assert verdict.sentence.count("would tell") == 1
    assert [change.family for change in verdict.changes] == ["transformer"]


def test_nobody_who_would_only_tie_or_lose_is_called_open(make_evidence: Make, make_bundle: MakeBundle) -> None:
    alike, loses = make_evidence("lstm", target="openvino", p99=0.0199), make_evidence("conv", cpu=0.1, p99=0.0199)
    verdict = pick(make_bundle(make_evidence("lstm"), alike, loses), BUDGET)
    assert verdict.choice is not None
    assert verdict.choice.target == "cpu"
    assert "Still open" not in verdict.sentence


def test_the_newest_measurement_of_the_same_file_counts(
    make_evidence: Make, make_bundle: MakeBundle, make_profile: Callable[..., Profile]
) -> None:
    bundle = make_bundle(make_evidence("lstm", p99=0.5))
    old = read_profiles(bundle)[0][1].measurements[0]
    fresh = make_evidence("lstm", p99=0.001).measurement
    write_profile(bundle, make_profile(dataclasses.replace(fresh, sha256=old.sha256), created=5))
    other_file = dataclasses.replace(make_evidence("lstm", p99=0.9).measurement, sha256="e" * 64)
    write_profile(bundle, make_profile(other_file, created=9))
    verdict = pick(bundle, BUDGET)
    assert verdict.candidates[0].constraints[0].value == 0.001
    assert len(verdict.evidence) == 3


def test_two_machines_are_not_mixed(
    make_evidence: Make, make_bundle: MakeBundle, make_profile: Callable[..., Profile]
) -> None:
    bundle = make_bundle(make_evidence("lstm"))
    first = read_profiles(bundle)[0][1]
    write_profile(bundle, make_profile(*first.measurements, fingerprint="a" * 64, name="pi", created=7))
    with pytest.raises(InputError, match="say which with --device"):
        pick(bundle, BUDGET)
    assert pick(bundle, BUDGET, device="pi").device == "pi"
    assert pick(bundle, BUDGET, device="a" * 12).device == "pi"
    with pytest.raises(InputError, match="measured were: local, pi"):
        pick(bundle, BUDGET, device="nano")
    with pytest.raises(InputError, match="did you mean local"):
        pick(bundle, BUDGET, device="lcoal")


def test_profiles_of_other_files_are_named_and_left_out(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(make_evidence("lstm"), make_evidence("transformer"))
    (path,) = (bundle / "profiles").glob("*.json")
    manifest = bundle / "manifest.json"
    digest = read_profiles(bundle)[0][1].measurements[0].sha256
    manifest.write_text(manifest.read_text().replace(digest, "e" * 64))
    verdict = pick(bundle, BUDGET)
    assert [one.family for one in verdict.candidates] == ["transformer"]
    assert "1 measurement of files that have changed since (other hash) left out" in verdict.reasons
    path.write_text(re.sub(r'"sha256": "[0-9a-f]{64}"', f'"sha256": "{"d" * 64}"', path.read_text()))
    with pytest.raises(Undecided, match=r"2 measurements in .*, all of other files"):
        pick(bundle, BUDGET)
    path.unlink()
    with pytest.raises(Undecided, match="holds no measurement; take some with: edgekit profile"):
        pick(bundle, BUDGET)


def test_a_copied_profile_counts_once(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(make_evidence("lstm"))
    (path,) = (bundle / "profiles").glob("*.json")
    shutil.copy(path, path.with_name("copy.json"))
    verdict = pick(bundle, BUDGET)
    assert len(verdict.evidence) == 1
    assert "1 of the profiles is a copy: what was measured counts once" in verdict.reasons
    text = path.read_text()
    path.with_name("copy.json").write_text(re.sub(r'"schema_version": \d+', '"schema_version": 1', text, count=1))
    assert not any("a copy" in reason for reason in pick(bundle, BUDGET).reasons), "what is too old to count is no copy"


def test_no_profile_is_undecided_and_no_such_length_is_refused(make_evidence: Make, make_bundle: MakeBundle) -> None:
    with pytest.raises(Undecided, match="edgekit profile"):
        pick(make_bundle(make_evidence("lstm"), profiled=False), BUDGET)
    bundle = make_bundle(make_evidence("lstm"))
    with pytest.raises(InputError, match="--length 99"):
        pick(bundle, BUDGET, length=99)
    with pytest.raises(InputError, match="--batch 8"):
        pick(bundle, BUDGET, batch=8)


def test_without_data_the_only_length_measured_is_judged(make_evidence: Make, make_bundle: MakeBundle) -> None:
    one = make_evidence("net", length=7)
    budget = load_budget("p99=20ms")
    assert pick(make_bundle(one, data=None), budget).length == 7
    with pytest.raises(InputError, match="lengths 7, 9 were measured"):
        pick(make_bundle(one, make_evidence("net2", length=9), data=None), budget)


def test_a_verdict_survives_the_disk(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(make_evidence("lstm"), make_evidence("transformer", p99=None, memory=None, valid=False))
    assert newest_verdict(bundle) is None
    verdict = pick(bundle, BUDGET)
    write_verdict(bundle, verdict)
    assert newest_verdict(bundle) == verdict
    assert parse(Verdict, loads(dumps(verdict), "x"), "x") == verdict


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=30, deadline=None
)
@given(
    p99s=st.lists(st.floats(0.001, 0.1), min_size=3, max_size=3),
    limit=st.floats(0.002, 0.05),
    looser=st.floats(1.0, 4.0),
)
def test_a_looser_budget_never_turns_a_pick_into_none(
    make_evidence: Make, make_bundle: MakeBundle, p99s: list[float], limit: float, looser: float
) -> None:
    families = ("lstm", "transformer", "conv")
    bundle = make_bundle(*(make_evidence(family, p99=p99) for family, p99 in zip(families, p99s, strict=True)))
    tight, loose = (pick(bundle, load_budget(f"p99={value!r}s")) for value in (limit, limit * looser))
    if tight.verdict == "pick":
        assert loose.verdict == "pick"
    for before, after in zip(tight.candidates, loose.candidates, strict=True):
        assert before.status != "pass" or after.status == "pass"


def test_a_file_made_to_look_into_the_model_does_not_compete(make_evidence: Make, make_bundle: MakeBundle) -> None:
    plain, other = make_evidence("transformer", p99=0.002), make_evidence("transformer", p99=0.001)
    name = "transformer-window-fp32-portable-attention"
    looked_into = dataclasses.replace(
        other,
        artifact=dataclasses.replace(other.artifact, id=name, file=f"{name}.onnx", variant="attention"),
        measurement=dataclasses.replace(other.measurement, artifact=name),
    )
    verdict = pick(make_bundle(plain, looked_into), BUDGET)
    assert [candidate.artifact for candidate in verdict.candidates] == ["transformer-window-fp32-portable-plain"]
