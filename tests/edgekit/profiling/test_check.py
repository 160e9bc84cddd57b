import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.decision.figures import Evidence
from edgekit.profiling.store import read_profiles
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.types.profile import DeviceParity

Make = Callable[..., Evidence]
MakeBundle = Callable[..., Path]


def edited(bundle: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The profile with its first measurement changed as by hand."""
    (path,) = (bundle / "profiles").glob("*.json")
    document = json.loads(path.read_text())
    change(document["measurements"][0])
    path.write_text(json.dumps(document))
    return path


def latency(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda one: one["latency"].update(values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (latency(p99_seconds=0.0024, p99_low_seconds=0.002), "p99_seconds does not agree"),
        (latency(p50_seconds=0.0001, p50_low_seconds=0.0001), "p50_seconds does not agree"),
        (latency(samples=5000), "it says 5000 samples and holds 200"),
        (latency(mean_seconds=0.001), "mean_seconds"),
        (latency(p99_high_seconds=0.001), "p99_seconds and its interval are out of order"),
        (latency(p99_low_seconds=-1.0), "negative"),
        (latency(effective_samples=201), "effective_samples"),
        (latency(raw_seconds=[[-0.004] * 200]), "a latency is negative"),
        (lambda one: one.update(cpu_seconds_per_inference=1e-9), "cpu_seconds_per_inference"),
        (lambda one: one.update(memory_high_bytes=1), "memory"),
        (lambda one: one.update(disturbed=0.5), "was disturbed"),
        (lambda one: one.update(latency=None), "holds no latency"),
    ],
)
def test_a_figure_that_contradicts_its_samples_is_refused(
    make_evidence: Make, make_bundle: MakeBundle, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    path = edited(make_bundle(make_evidence("lstm")), change)
    with pytest.raises(InputError, match="edited by hand") as refused:
        read_profiles(path.parent.parent)
    assert words in str(refused.value)
    assert path.name in str(refused.value)


@pytest.mark.parametrize("value", ["NaN", "Infinity", '"fast"'])
def test_what_is_no_number_is_refused(make_evidence: Make, make_bundle: MakeBundle, value: str) -> None:
    bundle = make_bundle(make_evidence("lstm"))
    (path,) = (bundle / "profiles").glob("*.json")
    text = path.read_text()
    path.write_text(text.replace('"p99_seconds": 0.004', f'"p99_seconds": {value}'))
    assert path.read_text() != text
    with pytest.raises(InputError, match=path.name):
        read_profiles(bundle)


def test_a_parity_that_failed_cannot_be_called_passed(make_evidence: Make, make_bundle: MakeBundle) -> None:
    one = make_evidence("lstm", parity=DeviceParity(max_abs_error=0.5, tolerance=0.1, passed=True))
    with pytest.raises(InputError, match="beyond its tolerance"):
        read_profiles(make_bundle(one))
    failed = make_evidence("lstm", parity=DeviceParity(max_abs_error=0.5, tolerance=0.1, passed=False))
    with pytest.raises(InputError, match="its parity failed"):
        read_profiles(make_bundle(failed))


def test_a_copy_counts_once_and_an_edited_copy_is_refused(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(make_evidence("lstm"))
    (path,) = (bundle / "profiles").glob("*.json")
    copy = path.with_name("copy.json")
    shutil.copy(path, copy)
    assert len(read_profiles(bundle)) == 1
    document = json.loads(copy.read_text())
    document["measurements"][0]["memory_low_bytes"] = 7
    copy.write_text(json.dumps(document))
    with pytest.raises(InputError, match="are of one run"):
        read_profiles(bundle)


def test_few_samples_and_missing_ends_are_fine(make_evidence: Make, make_bundle: MakeBundle) -> None:
    one = make_evidence("lstm")
    found = one.measurement.latency
    assert found is not None
    few = dataclasses.replace(
        found,
        samples=2,
        effective_samples=1,
        mean_seconds=0.0032,
        p99_seconds=None,
        p99_low_seconds=None,
        p99_high_seconds=None,
        raw_seconds=((0.0024,), (0.004,)),
        p90_seconds=0.004,
        p90_low_seconds=None,
        p90_high_seconds=None,
    )
    changed = dataclasses.replace(one, measurement=dataclasses.replace(one.measurement, latency=few))
    assert len(read_profiles(make_bundle(changed))) == 1


def test_a_device_that_is_no_slip_of_the_pen_is_unmeasured(make_evidence: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(make_evidence("lstm"))
    with pytest.raises(Undecided, match=r"ssh://pi@lab.*edgekit profile"):
        read_profiles(bundle, "ssh://pi@lab")
