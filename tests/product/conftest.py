from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of pyproject.toml."""
    return Path(__file__).resolve().parents[2]


def closure(distribution: str, extras: Sequence[str]) -> set[str]:
    """The names of everything pip would install for ``distribution[extras]``, as it is installed here."""
    found: set[str] = set()
    waiting = [(distribution, tuple(extras))]
    while waiting:
        name, wanted = waiting.pop()
        for line in importlib.metadata.requires(name) or []:
            requirement = Requirement(line)
            environments = [{"extra": extra} for extra in (*wanted, "")]
            if requirement.marker is not None and not any(map(requirement.marker.evaluate, environments)):
                continue
            if requirement.name not in found:
                found.add(requirement.name)
                waiting.append((requirement.name, tuple(requirement.extras)))
    return found


@pytest.fixture(scope="session")
def environment(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A virtual environment that holds edgekit and the closure of the extras given, and nothing else.

    Packages are links to those installed here, so it takes a second and no network; what is missing really is missing,
    in child processes too. Gives back its python.
    """

    def make(*extras: str) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        venv.create(folder, with_pip=False, symlinks=True)
        (site,) = folder.glob("lib/python*/site-packages")
        for name in closure("edgekit-onnx", extras):
            for path in importlib.metadata.files(name) or []:
                top = path.parts[0]
                source = Path(str(path.locate())).resolve() if len(path.parts) == 1 else None
                whole = source or Path(str(importlib.metadata.distribution(name).locate_file(top)))
                if top not in ("..", "__pycache__") and not (site / top).exists():
                    (site / top).symlink_to(whole)
        roots = [root, root / "export", root / "targets"]
        (site / "edgekit.pth").write_text("\n".join(map(str, roots)) + "\n")
        return folder / "bin" / "python"

    return make


@pytest.fixture(scope="session")
def edgekit() -> Run:
    """Run the command with a python of choice; its cache and home lie in the folder it runs in."""

    def run(
        *arguments: str, cwd: Path, python: Path | None = None, lock: str = ".lock"
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(python or sys.executable), "-m", "edgekit", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            cwd=cwd,
            env={
                "HOME": str(cwd),
                "EDGEKIT_LOCK": str(cwd / lock),
                "XDG_CACHE_HOME": str(cwd / ".cache"),
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
            },
        )

    return run


@pytest.fixture(scope="session")
def stock_exports() -> Callable[[Path], None]:
    """Put ``a.onnx`` (an LSTM) and ``b.onnx`` (a Transformer) into a folder, made by the stock exporter of torch."""
    code = """
import sys, warnings
import torch
from torch import nn

warnings.simplefilter("ignore")

class A(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(6, 32, batch_first=True), nn.Linear(32, 4)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])

class B(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.embed, self.head = nn.Linear(6, 32), nn.Linear(32, 4)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x))[:, -1])

for name, module in (("a", A()), ("b", B())):
    shapes = {"x": {0: torch.export.Dim("batch"), 1: torch.export.Dim("time")}}
    example = torch.zeros(2, 30, 6)
    program = torch.onnx.export(module.eval(), (example,), dynamo=True, dynamic_shapes=shapes, verbose=False)
    program.save(f"{sys.argv[1]}/{name}.onnx")
"""

    def make(folder: Path) -> None:
        subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True)

    return make
