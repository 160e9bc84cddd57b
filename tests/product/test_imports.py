"""Nothing heavy at start, nothing optional anywhere it is not needed, one line where it is."""

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "onnx", "onnxruntime", "openvino", "scipy", "numpy", "rich", "matplotlib", "jinja2", "aeon"}
OPTIONAL = ["torch", "onnx", "onnxscript", "onnxruntime", "openvino", "safetensors", "aeon", "cryptography"]
BLOCK = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
"""


def python(code: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=120, cwd=cwd
    )


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["--version"], ["nonsense"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import json, sys\nfrom edgekit.main import main\nmain(sys.argv[1:])\n"
        "print(); print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = python(code, *arguments)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "typer" in loaded
    assert not loaded & HEAVY


def test_the_seat_and_the_device_import_without_any_extra() -> None:
    code = BLOCK + (
        "import importlib, pkgutil, edgekit, edgekit_targets\n"
        "for package in (edgekit, edgekit_targets):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith('__main__'):\n"
        "            importlib.import_module(module.name)\n"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_every_module_imports_with_all_extras() -> None:
    import edgekit_export

    for module in pkgutil.walk_packages(edgekit_export.__path__, "edgekit_export."):
        __import__(module.name)


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["compare"], "cpu"),
        (["export", "--out", "o"], "export"),
        (["profile", "b", "--target", "cpu"], "cpu"),
        (["profile", "b", "--target", "openvino"], "openvino"),
    ],
)
def test_a_missing_extra_is_one_line_with_the_command_that_fixes_it(
    tmp_path: Path, arguments: list[str], extra: str
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").write_text(
        json.dumps(
            {
                "schema_version": 1,
                "edgekit_version": "0.1.0",
                "created": "2026-01-01T00:00:00Z",
                "data": None,
                "versions": {},
                "settings": {},
                "artifacts": [],
            }
        )
    )
    (tmp_path / "sitecustomize.py").write_text(BLOCK)
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 2, done.stderr
    assert f'pip install "edgekit-onnx[{extra}]"' in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o").exists()
