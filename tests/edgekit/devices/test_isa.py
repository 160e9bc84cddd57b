from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit.devices.address import Address
from edgekit.devices.isa import isa_for
from edgekit.main import main
from edgekit.project.contract import OwnDevice
from edgekit_targets.errors import InputError
from edgekit_targets.hardware.describe import describe

NOWHERE = Address(host="nowhere.invalid")
OWN = {
    name: OwnDevice(name=name, address=NOWHERE, catalogue=catalogue)
    for name, catalogue in [
        ("pi4", "raspberry-pi-4"),
        ("pi5", "raspberry-pi-5"),
        ("orin", "jetson-orin-nano"),
        ("n100", "intel-n100"),
    ]
}
VNNI = ("avx2", "vnni")


@pytest.mark.parametrize(
    ("devices", "isa"),
    [
        ([], "portable"),
        (["pi4"], "portable"),
        (["pi5"], "arm-dotprod"),
        (["pi5", "orin"], "arm-dotprod"),
        (["pi5", "pi4"], "portable"),
        (["n100"], "vnni"),
        (["n100", "pi5"], "portable"),
    ],
)
def test_what_all_devices_have(devices: list[str], isa: str) -> None:
    assert isa_for(devices, OWN, VNNI) == (isa, None)


def test_what_cannot_be_checked_here_is_not_made() -> None:
    isa, why = isa_for(["pi5"], OWN, ("avx2",))
    assert isa == "portable"
    assert why is not None
    assert "cannot be checked on this processor" in why
    assert isa_for(["pi5"], OWN, ("asimd",)) == ("arm-dotprod", None)


def test_a_device_without_an_entry_is_asked() -> None:
    words = describe().isa
    expected = "vnni" if "vnni" in words else "avx2" if "avx2" in words else "portable"
    assert isa_for(["local"], OWN, words) == (expected, None)


def test_an_unknown_device_is_refused_before_anything_is_made() -> None:
    with pytest.raises(InputError, match="'pi6' is unknown; did you mean pi"):
        isa_for(["pi6"], OWN, VNNI)


@pytest.mark.slow
def test_export_names_what_it_assumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edgekit.toml").write_text(
        '[devices.pi5]\naddress = "ssh://nowhere.invalid"\ncatalogue = "raspberry-pi-5"\n'
    )
    small = ["--set", "lstm.hidden=8", "--set", "lstm.layers=1"]
    assert main(["export", "lstm", "--device", "pi5", "--out", "bundle", *small]) == 0
    told = capsys.readouterr().err
    artifacts = json.loads((tmp_path / "bundle" / "manifest.json").read_text())["artifacts"]
    isas = {one["precision"]: one["isa"] for one in artifacts}
    expected, _ = isa_for(["pi5"], OWN, describe().isa)
    assert isas == {"fp32": "portable", "int8-dynamic": expected}
    assert f"integer files are made for {expected}" in told
