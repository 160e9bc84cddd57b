"""Releases on a device whose home will not do: below the folder that edgekit.toml names, like all else of edgekit."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.devices.address import Address
from edgekit.devices.connect import reach
from edgekit.devices.orders import orders
from edgekit.devices.package import NAME, agent_bytes
from edgekit.project.contract import OwnDevice
from edgekit.shipping.keys import trust_on
from edgekit.shipping.push import Push
from edgekit_targets.releases.incoming import INCOMING, OLD_SECONDS
from edgekit_targets.releases.store import Store
from tests.edgekit.shipping.conftest import Start, id_of
from tests.targets.releases.conftest import Owner


@pytest.mark.slow
def test_another_folder_than_the_home(
    start: Start, owner: Owner, make_release: Callable[..., Path], tmp_path: Path
) -> None:
    (pi,) = start("a").values()
    (tmp_path / "data").mkdir()
    own = {"a": OwnDevice(name="a", address=Address(host="a"), catalogue=None, folder=str(tmp_path / "data"))}
    root = tmp_path / "data" / ".edgekit"
    release = make_release(1)
    trust_on("a", own, owner.public)
    left = root / INCOMING / "1-left"
    left.mkdir(parents=True)
    os.utime(left, (left.stat().st_mtime - 2 * OLD_SECONDS,) * 2)

    with orders("a", own) as there:
        push = Push(there, release, id_of(release), "model", confirm_seconds=600.0)
        push.send()
        push.install()
        push.confirm()
        assert there.ask("releases")[0]["path"] == str(root / "models/model/current/model.onnx")
    assert Store(root).current() == id_of(release)
    assert list((root / INCOMING).iterdir()) == []
    assert not (pi.home / ".edgekit").exists()

    # By hand the agent there knows its folder too.
    with reach("a", own) as place:
        agent = place.put(agent_bytes(), "agent", NAME)
    by_hand = subprocess.run(["ssh", "a", f"python3 {agent} keys list"], capture_output=True, check=True)
    assert json.loads(by_hand.stdout)["trusted"] == [owner.public.id]
