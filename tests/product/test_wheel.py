"""What people install is what we mean to ship."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from edgekit_targets import __version__


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(root)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_top_level_is_exactly_three_packages(wheel: zipfile.ZipFile) -> None:
    top = {name.partition("/")[0] for name in wheel.namelist()}
    assert top == {"edgekit", "edgekit_export", "edgekit_targets", f"edgekit_onnx-{__version__}.dist-info"}


def test_every_file_of_the_packages_is_in_it_and_nothing_else(root: Path, wheel: zipfile.ZipFile) -> None:
    roots = (root / "edgekit", root / "export" / "edgekit_export", root / "targets" / "edgekit_targets")
    expected = {
        path.relative_to(folder.parent).as_posix()
        for folder in roots
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert found == expected
    assert {"edgekit/py.typed", "edgekit_export/py.typed", "edgekit_targets/py.typed"} <= found
    assert "edgekit/budget/examples/imu-50hz.toml" in found
    assert "edgekit/project/template.toml" in found
    assert "edgekit_targets/catalogue/raspberry-pi-5.toml" in found


def test_the_extras_are_those_of_the_design(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    assert metadata["Name"] == "edgekit-onnx"
    assert set(metadata.get_all("Provides-Extra", [])) == {"cpu", "cuda", "openvino", "export", "train", "ship", "all"}
    always = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    for heavy in ("torch", "onnx", "openvino", "aeon", "cryptography"):
        assert not any(line.startswith(heavy) for line in always), "the base install holds no runtime"


def test_the_command_is_edgekit(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "edgekit = edgekit.__main__:main" in wheel.read(name).decode()
