"""What device check says of a board, on a board without a network; the rest is in tests/pi/test_setup.py."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edgekit.devices.check import Finding, check
from edgekit.devices.package import NAME, agent_bytes
from edgekit.devices.place import Place
from edgekit_targets.agent.client import LocalAgent
from tests.edgekit.devices.conftest import AskPlace

# Keeps one table, as cron's own does.
_CRONTAB = """#!/bin/sh
if [ "$1" = -l ]; then cat "$0.table"; else cat > "$0.new" && mv "$0.new" "$0.table"; fi
"""


@pytest.fixture
def crontab(tmp_path: Path) -> Path:
    (tmp_path / "cron").mkdir()
    (tmp_path / "cron" / "crontab").write_text(_CRONTAB)
    (tmp_path / "cron" / "crontab").chmod(0o755)
    return tmp_path / "cron"


def restart(place: Place) -> Finding | None:
    file = place.put(agent_bytes(), "agent", "edgekit-agent-0.pyz")
    with LocalAgent() as agent:
        found = check(place, file, agent.hello(), "pi")
    return next((one for one in found.findings if one.what == "restart"), None)


@pytest.mark.slow
def test_a_device_of_releases_goes_back_when_it_starts_or_is_told_how(
    place: AskPlace, crontab: Path, tmp_path: Path
) -> None:
    there = place(f"export PATH={crontab}:$PATH; ")
    assert restart(there) is None, "it takes no releases"
    (Path(there.folder) / "keys").mkdir()
    found = restart(there)
    assert found is not None
    assert not found.fine
    assert "until edgekit is used here next" in found.told
    assert str(found.remedy).startswith("edgekit device setup pi --releases, then there: (crontab -l;")

    agent = Path(there.put(agent_bytes(), "agent", NAME))
    told = restart(there)
    assert told is not None
    line = str(told.remedy)
    assert line.startswith("(crontab -l;")
    subprocess.run(["sh", "-c", line], env={"PATH": f"{crontab}:/usr/bin:/bin"}, check=True)
    mended = restart(there)
    assert mended is not None
    assert mended.fine

    # What was written down there is what is to be run: it ends well, on a device without any release too.
    (written,) = (crontab / "crontab.table").read_text().splitlines()
    when, _, command = written.partition(" ")
    assert when == "@reboot"
    assert str(agent) in command
    subprocess.run(["sh", "-c", command], check=True)

    (crontab / "crontab.table").write_text(f"# {written}\n")
    off = restart(there)
    assert off is not None
    assert not off.fine
