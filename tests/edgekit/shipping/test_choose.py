import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.budget.budget import Budget, parse_limits
from edgekit.decision.store import newest_verdict
from edgekit.devices.address import parse_address
from edgekit.profiling.store import read_profiles, write_profile
from edgekit.project.contract import OwnDevice
from edgekit.shipping.choose import choose, same_kind
from edgekit_targets.bundle import read_manifest, write_manifest
from edgekit_targets.errors import InputError, NothingFits, Undecided
from edgekit_targets.types.profile import Measurement, Profile
from edgekit_targets.types.verdict import SCHEMA_VERSION
from tests.edgekit.shelf import BUDGET, STREAM, WINDOW, Shelf

Make = Callable[..., Shelf]
BROKEN = "p99=1us"


def budget(text: str) -> Budget:
    return Budget(text, parse_limits(text, "a test"))


def own(name: str, catalogue: str | None = "raspberry-pi-5") -> OwnDevice:
    return OwnDevice(name=name, address=parse_address(f"ssh://{name}", "a test"), catalogue=catalogue)


def add_profile(shelf: Shelf, make_profile: Callable[..., Profile], created: int, **changes: object) -> None:
    measurements = [dataclasses.replace(one, **changes) for one in shelf.measurements]  # type: ignore[arg-type]
    write_profile(shelf.bundle, make_profile(*measurements, created=created))


def test_takes_the_pick(shelf: Shelf) -> None:
    verdict = newest_verdict(shelf.bundle)
    assert verdict is not None
    assert verdict.choice is not None
    found = choose(shelf.bundle)
    assert found.artifact.id == verdict.choice.artifact
    assert (found.target, found.options.threads, found.every_seconds) == ("cpu", 1, verdict.choice.every_seconds)
    assert found.verdict == verdict
    assert found.limits == verdict.limits
    assert found.forced == ()


def test_takes_the_artifact_asked_for(shelf: Shelf) -> None:
    for artifact in (WINDOW, STREAM):
        found = choose(shelf.bundle, artifact=artifact)
        assert found.artifact.id == artifact
        assert found.measurement is not None
        assert found.measurement.artifact == artifact


def test_takes_an_artifact_that_was_measured_where_no_verdict_was_asked_for(make_shelf: Make) -> None:
    found = choose(make_shelf(verdict=None).bundle, artifact=WINDOW)
    assert found.verdict is None
    assert found.limits == ()


def test_a_budget_is_a_verdict_of_its_own(make_shelf: Make) -> None:
    found = choose(make_shelf(verdict=None).bundle, budget=budget("p99=1s"))
    assert found.verdict is not None
    assert found.verdict.budget == "p99=1s"


@pytest.mark.parametrize(
    ("made", "asked", "kind", "words"),
    [
        ({"verdict": None}, {}, Undecided, "holds no verdict.*edgekit pick.*--artifact ID --force"),
        ({"measured": False}, {}, Undecided, "holds no verdict"),
        ({"measured": False}, {"artifact": WINDOW}, Undecided, "not measured.*--force"),
        ({"measured": False}, {"budget": budget(BUDGET)}, Undecided, "no measurement"),
        ({"verdict": BROKEN}, {}, NothingFits, "is nothing-fits"),
        (
            {"verdict": BROKEN},
            {"artifact": WINDOW},
            NothingFits,
            "does not meet the limits: p99 .*; or ship it.*--force",
        ),
        ({"valid": False}, {"artifact": WINDOW}, Undecided, "not valid"),
        ({"p99": 0.018, "half": 0.5}, {"artifact": WINDOW, "budget": budget(BUDGET)}, Undecided, "p99"),
        ({}, {"artifact": "lstm-window-fp32-portable"}, InputError, "--artifact .* is not in .*" + WINDOW),
        ({}, {"devices": ["pi"]}, Undecided, "--device pi: neither it .* was measured .local was"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_without_evidence_nothing_is_chosen(
    make_shelf: Make, made: dict[str, object], asked: dict[str, object], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        choose(make_shelf(**made).bundle, **asked)  # type: ignore[arg-type]


def test_force_goes_without_and_says_so(make_shelf: Make) -> None:
    bundle = make_shelf(measured=False).bundle
    found = choose(bundle, artifact=STREAM, force=True)
    assert (found.measurement, found.profile, found.verdict) == (None, None, None)
    assert (found.target, found.length) == ("cpu", 1)
    (said,) = found.forced
    assert "not measured" in said
    with pytest.raises(Undecided, match="holds no verdict"):
        choose(bundle, force=True)


def test_force_takes_what_there_is_of_evidence(make_shelf: Make) -> None:
    found = choose(make_shelf(verdict=BROKEN).bundle, artifact=WINDOW, force=True)
    assert found.measurement is not None
    assert found.verdict is not None
    assert "does not meet the limits" in found.forced[0]


def test_a_pick_of_files_that_have_changed_is_not_believed(make_shelf: Make) -> None:
    shelf = make_shelf()
    manifest = read_manifest(shelf.bundle)
    renewed = tuple(dataclasses.replace(one, sha256="1" * 64) for one in manifest.artifacts)
    write_manifest(shelf.bundle, dataclasses.replace(manifest, artifacts=renewed))
    with pytest.raises(Undecided, match="was not measured as it is now"):
        choose(shelf.bundle)


def test_a_pick_that_newer_measurements_contradict_is_not_believed(
    make_shelf: Make, make_profile: Callable[..., Profile], make_measurement: Callable[..., Measurement]
) -> None:
    shelf = make_shelf()
    slow = make_measurement(shelf.artifacts[WINDOW], p99=3.0).latency
    add_profile(shelf, make_profile, 30, latency=slow)
    with pytest.raises(NothingFits, match="does not meet the limits: p99"):
        choose(shelf.bundle)


def test_a_measurement_that_became_invalid_is_not_believed(
    make_shelf: Make, make_profile: Callable[..., Profile]
) -> None:
    shelf = make_shelf()
    add_profile(shelf, make_profile, 30, valid=False, warnings=("disturbed by a neighbour",))
    with pytest.raises(Undecided, match=r"not valid .disturbed by a neighbour"):
        choose(shelf.bundle)


def test_a_verdict_edited_into_another_choice_finds_no_evidence(make_shelf: Make) -> None:
    shelf = make_shelf()
    (path,) = (shelf.bundle / "verdicts").glob("*.json")
    verdict = json.loads(path.read_text())
    assert verdict["schema_version"] == SCHEMA_VERSION
    verdict["choice"]["threads"] = 4
    path.write_text(json.dumps(verdict))
    with pytest.raises(Undecided, match="was not measured as it is now"):
        choose(shelf.bundle)


def test_a_device_of_the_same_kind_speaks_for_another(make_shelf: Make) -> None:
    bundle = make_shelf(name="pi").bundle
    devices = {name: own(name) for name in ("pi", "twin")} | {"other": own("other", "raspberry-pi-4")}
    for name in ("pi", "twin"):
        found = choose(bundle, devices=[name], own=devices)
        assert found.profile is not None
        assert found.profile.device.name == "pi"
    assert choose(bundle, devices=["pi", "twin"], own=devices).artifact.id
    with pytest.raises(Undecided, match="--device other"):
        choose(bundle, devices=["pi", "other"], own=devices)


def test_a_device_is_known_by_what_it_says_of_itself(make_shelf: Make) -> None:
    bundle = make_shelf(name="pi").bundle
    ((_, profile),) = read_profiles(bundle)
    alike = dataclasses.replace(profile.device, name="ssh://twin", fingerprint="0" * 64, memory_bytes=None)
    assert same_kind(alike, profile.device)
    assert choose(bundle, devices=["ssh://twin"], described={"ssh://twin": alike}).profile == profile
    other = dataclasses.replace(alike, cpu="another processor")
    with pytest.raises(Undecided, match="ssh://twin"):
        choose(bundle, devices=["ssh://twin"], described={"ssh://twin": other})


def test_two_machines_must_be_told_apart(make_shelf: Make, make_profile: Callable[..., Profile]) -> None:
    shelf = make_shelf()
    write_profile(shelf.bundle, make_profile(*shelf.measurements, fingerprint="e" * 64, name="pi", created=9))
    with pytest.raises(InputError, match="2 machines"):
        choose(shelf.bundle)
    assert choose(shelf.bundle, devices=["local"]).verdict is not None
    with pytest.raises(Undecided, match="no verdict for pi"):
        choose(shelf.bundle, devices=["pi"], own={"pi": own("pi")})


def test_devices_with_different_picks_are_not_shipped_to_at_once(
    make_shelf: Make, make_profile: Callable[..., Profile], make_measurement: Callable[..., Measurement]
) -> None:
    shelf = make_shelf(verdict=None)
    fast = choose(shelf.bundle, budget=budget(BUDGET), devices=["local"]).artifact.id
    slow = [
        dataclasses.replace(one, latency=make_measurement(shelf.artifacts[WINDOW], p99=3.0).latency)
        if one.artifact == fast
        else one
        for one in shelf.measurements
    ]
    write_profile(shelf.bundle, make_profile(*slow, fingerprint="e" * 64, name="pi", created=9))
    with pytest.raises(InputError, match="their picks differ"):
        choose(shelf.bundle, devices=["local", "pi"], own={"pi": own("pi")}, budget=budget(BUDGET))


def test_nothing_is_written(make_shelf: Make) -> None:
    shelf = make_shelf()
    before = sorted(path for path in shelf.bundle.rglob("*"))
    choose(shelf.bundle, budget=budget(BUDGET))
    assert sorted(path for path in shelf.bundle.rglob("*")) == before
    assert isinstance(shelf.bundle, Path)
