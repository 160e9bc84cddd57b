import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.budget.load import load_budget
from edgekit.decision.baseline import compare, regression_lines, weigh_baseline
from edgekit.decision.figures import Evidence
from edgekit.decision.pick import conclude
from edgekit.decision.weigh import weigh
from edgekit.profiling.store import read_profiles, write_profile
from edgekit_export.verify.accuracy import accuracy
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.types.comparison import Baseline
from edgekit_targets.types.profile import Profile

MIB = 2**20
Make = Callable[..., Evidence]
BUDGET = load_budget("p99=20ms, memory=8MiB, accuracy=0.5")
MakeTwo = Callable[[list[Evidence], list[Evidence]], tuple[Path, Path]]


@pytest.fixture
def make_two(make_bundle: Callable[..., Path], tmp_path: Path) -> MakeTwo:
    """The last release and this one, as bundles."""

    def make(then: list[Evidence], now: list[Evidence]) -> tuple[Path, Path]:
        old = tmp_path / "old"
        shutil.rmtree(old, ignore_errors=True)
        make_bundle(*then).rename(old)
        return old, make_bundle(*now)

    return make


def held(old: Path, new: Path) -> Baseline:
    now = weigh(new, BUDGET)
    then = weigh_baseline(old, now)
    return compare(now, conclude(now), then, conclude(then), old)


def movements(found: Baseline) -> dict[str, str]:
    return {one.name: one.status for one in found.compared}


def test_the_same_release_has_no_regression(make_two: MakeTwo, make_evidence: Make) -> None:
    found = held(*make_two([make_evidence("lstm")], [make_evidence("lstm")]))
    assert set(movements(found).values()) == {"same"}
    assert found.regressions == ()
    assert found.notes == ()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"p99": 0.006}, {"p50", "p99", "cpu"}),
        ({"memory": 6 * MIB}, {"memory"}),
        ({"size": 500_000}, {"size"}),
        ({"p99": 0.0042, "cpu": 0.0024}, set()),  # inside the intervals
        ({"memory": int(5.2 * MIB)}, set()),  # beyond them, within the stated difference
    ],
)
def test_names_what_got_worse_beyond_noise(
    make_two: MakeTwo, make_evidence: Make, changes: dict[str, Any], names: set[str]
) -> None:
    worse, better = (
        held(*make_two(*pair))
        for pair in (
            ([make_evidence("lstm")], [make_evidence("lstm", **changes)]),
            ([make_evidence("lstm", **changes)], [make_evidence("lstm")]),
        )
    )
    assert {one.name for one in worse.regressions} == names
    assert better.regressions == ()
    assert {one.name for one in better.compared if one.status == "better"} == names
    assert len(regression_lines(worse.regressions)) == len(names)


def test_accuracy_is_compared_in_pairs_on_the_test_split(make_two: MakeTwo, make_evidence: Make) -> None:
    def answering(right: Any) -> Evidence:
        logits = np.stack([right, ~right], axis=1).astype(np.float32)
        one = make_evidence("lstm")
        found = accuracy(logits, np.zeros(len(right), np.int64))
        artifact = dataclasses.replace(one.artifact, accuracy=found)
        return dataclasses.replace(one, artifact=artifact)

    good = np.arange(400) >= 20
    worse = good & (np.arange(400) >= 30)
    (lost,) = held(*make_two([answering(good)], [answering(worse)])).regressions
    assert lost.name == "accuracy"
    assert lost.p_value == pytest.approx(2 * 0.5**10)
    assert "accuracy (test) was 95.0 %" in regression_lines([lost])[0]
    assert held(*make_two([answering(good)], [answering(good & (np.arange(400) >= 22))])).regressions == ()


def test_another_test_split_is_not_compared(make_two: MakeTwo, make_evidence: Make) -> None:
    old, new = make_two([make_evidence("lstm")], [make_evidence("lstm")])
    manifest = old / "manifest.json"
    text = manifest.read_text()
    # the data's hash is the only one of zeros once artifacts have theirs
    manifest.write_text(text.replace("0" * 64, "1" * 64))
    found = held(old, new)
    assert movements(found)["accuracy"] == "unmeasured"


def test_a_pick_that_changed_is_told_and_both_are_compared(make_two: MakeTwo, make_evidence: Make) -> None:
    other = make_evidence("transformer", cpu=0.0001)
    slow = make_evidence("transformer", p99=0.5, cpu=0.02)
    found = held(*make_two([make_evidence("lstm"), other], [make_evidence("lstm"), slow]))
    assert found.notes == (
        "the pick for windows changed from Transformer, fp32, on ONNX Runtime to LSTM, fp32, on ONNX Runtime",
    )
    assert {one.family for one in found.compared} == {"lstm", "transformer"}
    assert {(one.family, one.name) for one in found.regressions} == {
        ("transformer", name) for name in ("p50", "p99", "cpu")
    }


def test_what_only_one_side_has_is_said_not_to_be_compared(make_two: MakeTwo, make_evidence: Make) -> None:
    found = held(*make_two([make_evidence("conv")], [make_evidence("lstm")]))
    assert found.compared == ()
    assert len([note for note in found.notes if "not compared" in note]) == 2


def test_another_machine_and_no_bundle_are_refused(
    make_two: MakeTwo, make_evidence: Make, make_profile: Callable[..., Profile], tmp_path: Path
) -> None:
    old, new = make_two([make_evidence("lstm")], [make_evidence("lstm")])
    (path, profile) = read_profiles(old)[0]
    path.unlink()
    write_profile(old, make_profile(*profile.measurements, fingerprint="a" * 64, name="pi"))
    with pytest.raises(Undecided, match=r"--baseline .*another machine.*edgekit profile"):
        held(old, new)
    with pytest.raises(InputError, match=r"--baseline .*manifest\.json is missing"):
        held(tmp_path / "none", new)
