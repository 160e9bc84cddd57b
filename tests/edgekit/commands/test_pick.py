"""``edgekit pick`` as a gate: exactly one document on stdout in every format, and its exit code."""

import csv
import dataclasses
import io
import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.decision.figures import Evidence
from edgekit.main import main

MIB = 2**20
Make = Callable[..., Evidence]
Printed = Callable[..., str]
BUDGET = ("--budget", "p99=20ms, memory=8MiB, accuracy=0.9")
LSTM = "lstm-window-fp32-portable-plain"


@pytest.fixture
def bundle(make_bundle: Callable[..., Path], make_evidence: Make) -> Path:
    return make_bundle(make_evidence("lstm"), make_evidence("transformer", memory=11 * MIB))


@pytest.fixture
def printed(bundle: Path, capsys: pytest.CaptureFixture[str]) -> Printed:
    def run(*arguments: str, code: int = 0) -> str:
        assert main(["pick", str(bundle), *arguments]) == code
        return capsys.readouterr().out

    return run


def test_each_format_is_one_document(printed: Printed) -> None:
    document, other = (json.loads(printed(*BUDGET, *option)) for option in (["--json"], ["--format", "json"]))
    for one in (document, other):
        del one["created"]
    assert document == other
    assert document["changes"][0]["limit"] == "memory"
    assert len(list(csv.DictReader(io.StringIO(printed(*BUDGET, "--format", "csv"))))) == 2
    assert ET.fromstring(printed(*BUDGET, "--format", "junit").partition("?>")[2]).get("failures") == "0"
    assert printed(*BUDGET, "--format", "md").startswith("### ✓ A candidate fits")


@pytest.mark.parametrize("name", ["json", "csv", "md", "junit"])
def test_the_exit_code_is_the_verdicts_in_every_format(printed: Printed, name: str) -> None:
    assert printed("--budget", "p99=1us", "--format", name, code=3)
    assert printed("--budget", "energy=1mJ", "--format", name, code=4)


def test_an_open_question_names_the_command_that_measures_on(
    make_bundle: Callable[..., Path], make_evidence: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_bundle(make_evidence("lstm", p99=0.0199))
    for limits, told in (("p99=20ms, memory=8MiB", True), ("energy=1mJ", False)):
        assert main(["pick", str(bundle), "--budget", limits]) == 4
        line = f"edgekit: to measure on until it is decided: edgekit profile {bundle} --budget '{limits}'\n"
        assert (line in capsys.readouterr().err) == told


def test_the_table_is_followed_by_what_would_change_it(printed: Printed) -> None:
    text = " ".join(printed(*BUDGET).split())
    assert "What would change it: - Transformer, at best (fp32 on ONNX Runtime, 1 thread): memory 11.0 MiB" in text


def test_one_artifact_is_explained(printed: Printed, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Picked: it meets every limit" in printed(*BUDGET, "--explain", LSTM)
    assert json.loads(printed(*BUDGET, "--explain", LSTM, "--json"))["stories"][0]["picked"] is True
    assert not (bundle / "verdicts").exists(), "a question about a verdict is none"
    printed(*BUDGET, "--explain", "lstm-window", code=2)
    printed(*BUDGET, "--explain", LSTM, "--format", "csv", code=2)
    printed(*BUDGET, "--device", "lcal", code=2)


def test_the_matrix_has_every_budget_that_ships(printed: Printed) -> None:
    found = json.loads(printed("--matrix", "--json"))
    assert found["budgets"] == ["imu-50hz", "keyword-20ms", "vibration-1hz"]
    assert found["devices"] == ["local"]
    text = printed("--matrix", *BUDGET, "--budget", "imu-50hz", "--format", "md", "--device", "local,pi")
    assert text.splitlines()[2].startswith("| local | LSTM, fp32 on ONNX Runtime, 1 thread | LSTM, fp32")
    assert text.splitlines()[3] == "| pi |  |  |"
    assert "LSTM, fp32" in printed("--matrix")


def test_a_regression_against_the_last_release_is_a_failed_check(
    printed: Printed, bundle: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(bundle, old)
    assert "no regression beyond noise" in " ".join(printed(*BUDGET, "--baseline", str(old)).split())
    (path,) = (old / "profiles").glob("*.json")
    document = json.loads(path.read_text())
    for one in document["measurements"]:
        marks = one["memory"]
        marks["load_peak_bytes"] = marks["run_peak_bytes"] = marks["baseline_bytes"] + 3 * MIB
        one["memory_low_bytes"], one["memory_high_bytes"] = 3 * MIB, 3 * MIB
    path.write_text(json.dumps(document))
    text = " ".join(printed(*BUDGET, "--baseline", str(old), code=5).split())
    assert f"1 regression beyond noise. - {LSTM} on cpu: memory was 3.00 MiB" in text
    kept = json.loads(printed(*BUDGET, "--baseline", str(old), "--json", code=5))["baseline"]
    assert [one["name"] for one in kept["compared"] if one["status"] == "regression"] == ["memory"]
    printed("--budget", "p99=1us", "--baseline", str(old), code=3)
    printed(*BUDGET, "--baseline", str(tmp_path / "none"), code=2)


def test_an_empty_profile_folder_is_unmeasured(printed: Printed, bundle: Path) -> None:
    for path in (bundle / "profiles").iterdir():
        path.unlink()
    printed(*BUDGET, code=4)
    printed("--matrix", code=4)


def test_a_hand_edited_profile_is_refused(printed: Printed, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = (bundle / "profiles").glob("*.json")
    path.write_text(path.read_text().replace('"p99_seconds": 0.004', '"p99_seconds": 0.002'))
    assert main(["pick", str(bundle), *BUDGET]) == 2
    assert path.name in capsys.readouterr().err


def test_two_devices_have_to_be_told_apart(
    bundle: Path, make_profile: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    from edgekit.profiling.store import read_profiles, write_profile

    (_, profile) = read_profiles(bundle)[0]
    device = dataclasses.replace(profile.device, name="pi", fingerprint="a" * 64)
    write_profile(bundle, dataclasses.replace(profile, device=device))
    assert main(["pick", str(bundle), *BUDGET]) == 2
    assert "say which with --device" in capsys.readouterr().err
    assert main(["pick", str(bundle), *BUDGET, "--device", "pi"]) == 0
    assert main(["pick", str(bundle), *BUDGET, "--device", "a" * 8]) == 0
    assert main(["pick", str(bundle), *BUDGET, "--device", "a" * 7]) == 2
    assert "known are local, pi" in capsys.readouterr().err


def test_two_machines_of_one_name_are_told_apart_by_their_fingerprints(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is where a colleague's profiles were copied in: each machine calls itself local."""
    from edgekit.profiling.store import read_profiles, write_profile

    (_, profile) = read_profiles(bundle)[0]
    other = dataclasses.replace(profile.device, fingerprint="b" * 64)
    write_profile(bundle, dataclasses.replace(profile, device=other))
    assert main(["pick", str(bundle), *BUDGET, "--device", "local"]) == 2
    told = capsys.readouterr().err
    for digits in (profile.device.fingerprint[:12], "b" * 12):
        assert digits in told
        assert main(["pick", str(bundle), *BUDGET, "--device", digits]) == 0
