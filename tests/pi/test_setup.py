"""Setting a device up that has neither internet nor pip, and what it is told when that cannot be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.devices.address import Address
from edgekit.devices.check import check
from edgekit.devices.openssh import Connection
from edgekit.devices.place import Place
from edgekit.devices.remote import put_agent, remote_agent
from edgekit.devices.setup import set_up, tear_down
from edgekit.devices.wheels import requirements_for
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.progress import silent
from tests.pi.conftest import Start
from tests.pi.parts.device import Pi

pytestmark = pytest.mark.slow

PI = Address(host="pi")


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


def test_another_version_beside_the_first(reach: Pi, wheels: Path) -> None:
    with Connection(PI, "pi") as connection:
        place = Place(connection)
        found = set_up(place, wheels, silent, requirements_for("onnxruntime==1.24.4"), "onnxruntime-1.24.4")
        with remote_agent(PI, "pi", "onnxruntime-1.24.4") as agent:
            versions = {one.name: one.version for one in agent.hello().targets}
        place.remove([place.path("runtimes", "onnxruntime-1.24.4")])
    assert found.versions["onnxruntime"] == versions["cpu"] == "1.24.4"
    with remote_agent(PI, "pi") as agent:
        assert {one.name: one.version for one in agent.hello().targets}["cpu"] != "1.24.4"


def test_a_runtime_that_does_not_load_leaves_the_one_that_does(start: Start, wheels: Path) -> None:
    pi = start(before="ulimit -v 330000")  # enough for Python under emulation, not for the runtime
    with Connection(PI, "pi") as connection:
        place = Place(connection)
        kept = pi.home / ".edgekit" / "runtimes" / "default"
        kept.mkdir(parents=True)
        (kept / "mark").touch()
        with pytest.raises(CheckFailed, match="does not load there"):
            set_up(place, wheels, silent)
        assert (kept / "mark").exists()
        assert [path.name for path in kept.parent.iterdir()] == ["default"]
        tear_down(place)
    assert not (pi.home / ".edgekit").exists()


def test_what_cannot_be_had_is_said(reach: Pi, wheels: Path) -> None:
    with Connection(PI, "pi") as connection:
        place = Place(connection)
        with pytest.raises(InputError, match="could be fetched"):
            set_up(place, wheels, silent, requirements_for("onnxruntime==0.0.1"))
