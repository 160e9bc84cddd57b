"""Models held against each other on the fake device: against themselves, and against one that is slower by 5 %."""

from __future__ import annotations

import dataclasses
import math
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.decision.figures import Evidence
from edgekit.decision.words import comparison_text, speed_text
from edgekit.profiling.comparisons import comparisons, current_comparisons
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit.profiling.store import read_profiles
from edgekit.report.cells import artifacts
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.bundle import read_manifest
from edgekit_targets.progress import silent
from edgekit_targets.runtimes.fake import Script
from edgekit_targets.runtimes.noise import Noise, bursts, lognormal
from edgekit_targets.types.profile import Comparison, Profile
from tests.edgekit.parallel import on_all_cores

RUNS = 200
PLAN = Plan(launches=8, rounds=5, samples=8 * 5 * 40, seconds=60.0, warmup_seconds=0.0)
FP32, INT8 = "lstm-window-fp32-portable-plain", "lstm-window-int8-dynamic-portable-plain"


def _launches(seed: int) -> Noise:
    """Every process has a speed of its own, 0.5 % around the common one."""
    return lognormal(0.001 * math.exp(0.005 * float(np.random.default_rng(seed).standard_normal())), 0.1, seed)


NOISES: dict[str, Callable[[int], Noise]] = {
    "bursts": lambda seed: bursts(0.001, 0.05, seed, share=0.03, factor=3.0, length=5.0),
    "launches": _launches,
}


@pytest.fixture
def bundle(make_bundle: Callable[..., Path], make_evidence: Callable[..., Evidence]) -> Path:
    return make_bundle(make_evidence("lstm"), make_evidence("lstm", "int8-dynamic"), profiled=False)


def script(noise: Callable[[int], Noise], seed: int, factor: float = 1.0) -> Script:
    def launch(number: int) -> Noise:
        own = noise(100 * seed + number)
        return lambda run: factor * own(run)

    return Script(launch=launch)


def standing(bundle: Path, noise: Callable[[int], Noise], run: int, factor: float) -> Comparison:
    """Of the int8 file, which takes ``factor`` times the time of the fp32 one."""
    scripts = {(FP32, "*"): script(noise, 2 * run), (INT8, "*"): script(noise, 2 * run + 1, factor)}
    found = profile(
        bundle, FakeAgent(Scenario(scripts=scripts, targets=("cpu",))), plan=PLAN, fresh=True, progress=silent
    )
    for path in (bundle / "profiles").iterdir():
        path.unlink()
    (one,) = found.comparisons
    return one


def standings(bundle: Path, name: str, first: int, factor: float) -> Counter[str]:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as scratch:
        patch.setattr(os, "fsync", lambda descriptor: None)  # thousands of flushes are the disk's test
        own = shutil.copytree(bundle, Path(scratch) / "bundle")
        return Counter(standing(own, NOISES[name], first + run, factor).standing for run in range(RUNS))


@pytest.mark.slow
def test_a_model_against_itself_and_against_5_percent_more(bundle: Path) -> None:
    jobs = [(bundle, name, *how) for name in NOISES for how in ((0, 1.0), (RUNS, 1.05))]
    found = on_all_cores(standings, jobs)
    for itself, slower in zip(found[::2], found[1::2], strict=True):
        assert itself["faster"] + itself["slower"] <= 0.05 * RUNS
        assert slower["slower"] >= 0.90 * RUNS


def test_what_is_the_same_is_said_to_be(bundle: Path) -> None:
    found = standing(bundle, lambda seed: lognormal(0.001, 0.005, seed), 0, 1.001)
    assert found.standing == "same"
    assert found.low is not None
    assert found.low <= found.ratio
    assert (found.about, found.artifact, found.other) == ("precision", INT8, FP32)
    assert comparison_text(found).startswith(f"{INT8} is as fast (1 times the time [")


def test_each_precision_meets_fp32_and_each_family_the_fastest(
    make_bundle: Callable[..., Path], make_evidence: Callable[..., Evidence]
) -> None:
    bundle = make_bundle(
        *(
            make_evidence(family, precision)
            for family in ("lstm", "transformer")
            for precision in ("fp32", "int8-dynamic")
        ),
        make_evidence("linear"),
        profiled=False,
    )
    scripts = {(INT8, "openvino"): Script(latency_seconds=0.0005)}
    found: Profile = profile(bundle, FakeAgent(Scenario(scripts=scripts)), plan=PLAN, progress=silent)
    about = {(one.about, one.artifact, one.target, one.other, one.other_target) for one in found.comparisons}
    assert ("precision", INT8, "openvino", FP32, "openvino") in about
    assert len([one for one in found.comparisons if one.about == "precision"]) == 4
    (family,) = [one for one in found.comparisons if one.about == "family"]
    assert (family.artifact, family.target, family.standing) == (INT8, "openvino", "faster")
    assert family.other.startswith("transformer")
    assert family.ratio == pytest.approx(0.5)
    other = [
        dataclasses.replace(one, created="later") if one.precision == "fp32" else one for one in found.measurements
    ]
    assert not [one for one in comparisons(other) if one.about == "precision"], "they have no rounds in common"


def test_two_launches_have_no_interval(bundle: Path) -> None:
    agent = FakeAgent(Scenario(targets=("cpu",)))
    plan: Any = dataclasses.replace(PLAN, launches=2)
    (one,) = profile(bundle, agent, plan=plan, progress=silent).comparisons
    assert (one.low, one.high, one.standing, one.launches) == (None, None, "undecided", 2)
    told = "not told apart (1 times the time, 2 common launches: too few for an interval) from"
    assert told in comparison_text(one)
    assert speed_text(one).startswith("not told apart on ONNX Runtime (1 times the time, 2 common launches")


def test_the_report_says_whether_a_quantized_file_is_faster_here(bundle: Path) -> None:
    scripts = {(INT8, "*"): Script(latency_seconds=0.0005)}
    profile(bundle, FakeAgent(Scenario(scripts=scripts, targets=("cpu",))), plan=PLAN, progress=silent)
    profiles = [found for _, found in read_profiles(bundle)]
    table, _ = artifacts(read_manifest(bundle), profiles)
    column = table.head.index("speed against fp32 here")
    cells = {name: row[column].text for name, row in table.body}
    assert cells == {FP32: "is fp32", INT8: "faster on ONNX Runtime (0.5 times the time [0.5, 0.5])"}
    changed = read_manifest(bundle)
    changed = dataclasses.replace(
        changed, artifacts=tuple(dataclasses.replace(one, sha256="1" * 64) for one in changed.artifacts)
    )
    assert current_comparisons(changed, profiles) == [], "these are other files"
