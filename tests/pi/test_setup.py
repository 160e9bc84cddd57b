"""Setting a device up that has neither internet nor pip, and what it is told when that cannot be done."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

import edgekit.api.profile as api
from edgekit.devices.address import Address
from edgekit.devices.check import check
from edgekit.devices.openssh import Connection
from edgekit.devices.place import Place
from edgekit.devices.remote import put_agent, remote_agent
from edgekit.devices.setup import set_up, tear_down
from edgekit.devices.wheels import requirements_for
from edgekit.main import main
from edgekit.profiling.plan import Plan
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.progress import silent
from tests.pi.conftest import Start
from tests.pi.parts.device import Pi

pytestmark = pytest.mark.slow

PI = Address(host="pi")
QUICK = Plan(launches=1, rounds=1, samples=8, seconds=0.5, warmup_seconds=0.01)


def test_a_bare_device_is_checked_and_told_what_it_needs(start: Start) -> None:
    start(prefix="echo welcome to pi; echo have a nice day >&2; ")
    with Connection(PI, "pi") as connection:
        place = Place(connection)
        file = put_agent(place)
        with remote_agent(PI, "pi") as agent:
            found = check(place, file, agent.hello(), "pi")
    told = {one.what: one for one in found.findings}
    assert found.catalogue == "raspberry-pi-4"
    assert told["runtime"].remedy == "edgekit device setup pi"
    assert "Cortex-A72" in told["processor"].told
    assert told["clock"].fine
    assert told["temperature"].told == "48 °C"
    assert any("1.21.0" in one.told for one in found.findings if one.what == "known")


def test_it_can_be_removed_without_trace(ready: Pi, reach: Pi) -> None:
    assert (ready.home / ".edgekit" / "runtimes" / "default" / "onnxruntime").is_dir()
    assert [path.name for path in ready.home.iterdir()] == [".edgekit"]


def test_the_version_that_the_application_has_is_measured_with(
    start: Start, one_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the commands: set up with an old version, measure, and read in the document what it was measured with."""
    start("pi")
    shutil.copytree(one_file, tmp_path / "bundle")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(api, "profile", partial(api.profile, plan=QUICK))
    assert main(["device", "setup", "ssh://pi", "--runtime", "onnxruntime==1.19.2", "--releases", "--json"]) == 0
    versions = json.loads(capsys.readouterr().out)["versions"]
    assert (versions["onnxruntime"], versions["numpy"].split(".")[0]) == ("1.19.2", "2")
    assert {"cryptography", "cffi"} <= set(versions)
    assert main(["profile", "bundle", "--device", "ssh://pi", "--json"]) == 0
    (measured,) = json.loads(capsys.readouterr().out)["measurements"]
    assert measured["latency"] is not None, measured["warnings"]
    assert measured["runtime_version"] == "1.19.2"
    assert measured["parity"]["passed"]


def test_instructions_that_the_processor_lacks_are_a_line_and_what_was_there_stays(start: Start, wheels: Path) -> None:
    """ONNX Runtime 1.21.0 does what a Cortex-A72 cannot, for real (onnxruntime issue 23957)."""
    pi = start()
    with Connection(PI, "pi") as connection:
        place = Place(connection)
        kept = pi.home / ".edgekit" / "runtimes" / "default"
        kept.mkdir(parents=True)
        (kept / "mark").touch()
        with pytest.raises(CheckFailed, match=r"does not load there \(SIGILL\).*--runtime onnxruntime==1\.22\.0"):
            set_up(place, wheels, silent, requirements_for("onnxruntime==1.21.0"))
        assert (kept / "mark").exists()
        assert [path.name for path in kept.parent.iterdir()] == ["default"]
        tear_down(place)
    assert not (pi.home / ".edgekit").exists()


def test_what_cannot_be_had_is_said(reach: Pi, wheels: Path) -> None:
    with Connection(PI, "pi") as connection:
        place = Place(connection)
        with pytest.raises(InputError, match="could be fetched"):
            set_up(place, wheels, silent, requirements_for("onnxruntime==0.0.1"))
