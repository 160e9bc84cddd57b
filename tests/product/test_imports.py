"""Nothing heavy at start, nothing optional anywhere it is not needed, one line where it is."""

import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HEAVY = {"torch", "onnx", "onnxruntime", "openvino", "scipy", "numpy", "rich", "matplotlib", "jinja2", "aeon"}
OPTIONAL = ["torch", "onnx", "onnxscript", "onnxruntime", "openvino", "safetensors", "aeon", "cryptography"]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def bare(environment: Callable[..., Path]) -> Path:
    """A python with the base install only."""
    return environment()


@pytest.fixture
def empty_bundle(tmp_path: Path) -> Path:
    document = {
        "schema_version": 1,
        "edgekit_version": "0.1.0",
        "created": "2026-01-01T00:00:00Z",
        "data": None,
        "versions": {},
        "settings": {},
        "artifacts": [],
    }
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").write_text(json.dumps(document))
    (tmp_path / "a.onnx").write_bytes(b"\x08\x08")
    return tmp_path


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["--version"], ["nonsense"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import json, sys\nfrom edgekit.main import main\nmain(sys.argv[1:])\n"
        "print(); print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "typer" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    "code",
    [
        "import edgekit",
        "from edgekit import export, pick, profile",
        "from edgekit_targets.catalogue.match import match",
        "from edgekit.project.load import load_project; load_project()",
    ],
)
def test_the_python_api_and_the_small_files_import_nothing_heavy(code: str) -> None:
    code += "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert "edgekit_targets" in loaded
    assert not loaded & (HEAVY | {"typer", "IPython"})


def test_importing_edgekit_imports_little_more_than_python_itself() -> None:
    code = "import sys; before = set(sys.modules); import edgekit; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    own = {name for name in done.stdout.split() if name.startswith("edgekit")}
    assert own == {
        "edgekit",
        "edgekit.api",
        "edgekit.api.export",
        "edgekit.api.pick",
        "edgekit.api.profile",
        "edgekit_targets",
        "edgekit_targets.errors",
        "edgekit_targets.progress",
    }


def test_the_seat_and_the_device_import_without_any_extra(bare: Path) -> None:
    code = (
        "import importlib, importlib.util, pkgutil, sys, edgekit, edgekit_targets\n"
        "assert not any(importlib.util.find_spec(name) for name in sys.argv[1:]), 'the environment is not bare'\n"
        "for package in (edgekit, edgekit_targets):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith('__main__'):\n"
        "            importlib.import_module(module.name)\n"
    )
    done = subprocess.run([bare, "-c", code, *OPTIONAL], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_every_module_imports_with_all_extras() -> None:
    import edgekit_export

    for module in pkgutil.walk_packages(edgekit_export.__path__, "edgekit_export."):
        __import__(module.name)


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["compare"], "cpu"),
        (["compare", "a.onnx"], "cpu"),
        (["export", "--out", "o"], "export"),
        (["profile", "b", "--target", "cpu"], "cpu"),
        (["profile", "b", "--target", "openvino"], "openvino"),
        (["profile", "b", "--target", "cuda"], "cuda"),
        (["keys", "new", "o"], "ship"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_missing_extra_is_one_line_with_the_command_that_fixes_it(
    bare: Path, edgekit: Run, empty_bundle: Path, arguments: list[str], extra: str
) -> None:
    done = edgekit(*arguments, cwd=empty_bundle, python=bare)
    assert done.returncode == 2, done.stderr
    assert f'pip install "edgekit-onnx[{extra}]"' in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (empty_bundle / "o").exists()
