"""``.pt2`` archives: exported like callables, and never allowed to run anything."""

from __future__ import annotations

import io
import json
import pickle  # noqa: TID251 - to write what must not be read
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from edgekit_export.exporting import ExportRequest, export
from edgekit_export.users.pt2 import load_pt2
from edgekit_targets.errors import InputError
from edgekit_targets.progress import silent

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")]


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(6, 8, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.lstm(x)[0][:, -1])
        return logits


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("pt2") / "net.pt2"
    shapes = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(Classifier().eval(), (torch.zeros(2, 20, 6),), dynamic_shapes=shapes), path)
    return path


def test_an_archive_becomes_clean_files(saved: Path, tmp_path: Path) -> None:
    fp32, int8 = export(ExportRequest(models=(str(saved),), out=tmp_path / "out"), silent).artifacts
    assert fp32.family == "net"
    assert fp32.inputs[0].shape == ("batch", "length", 6)
    assert int8.quantized is not None
    assert (int8.quantized["LSTM"].quantized, int8.quantized["LSTM"].total) == (2, 2)
    torch.manual_seed(0)
    module = Classifier().eval()
    x = torch.randn(3, 31, 6)
    session = onnxruntime.InferenceSession(tmp_path / "out" / fp32.file, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        np.testing.assert_allclose(session.run(None, {"x": x.numpy()})[0], module(x).numpy(), atol=1e-5)


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def changed(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy with members replaced; where ``change`` gives None, a member stays."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            replaced = change(member.filename, content)
            new.writestr(member.filename, content if replaced is None else replaced)
    return target


def test_nothing_in_an_archive_runs(saved: Path, tmp_path: Path) -> None:
    fuse = tmp_path / "went-off"

    def sample_inputs(name: str, _: bytes) -> bytes | None:
        if "sample_inputs" not in name:
            return None
        buffer = io.BytesIO()
        torch.save(((torch.zeros(2, 20, 6), Bomb(fuse)), {}), buffer)
        return buffer.getvalue()

    def weights(name: str, content: bytes) -> bytes | None:
        if name.endswith("weights_config.json"):
            config = json.loads(content)
            for entry in config["config"].values():
                entry["use_pickle"] = True
            return json.dumps(config).encode()
        return pickle.dumps(Bomb(fuse)) if "/weights/" in name else None

    def expression(name: str, content: bytes) -> bytes | None:
        if "/models/" not in name or not name.endswith(".json"):
            return None
        program = json.loads(content)
        program["planted"] = {"as_expr": {"expr_str": f"open('{fuse}', 'w')"}}
        return json.dumps(program).encode()

    for number, change in enumerate((sample_inputs, weights, expression)):
        with pytest.raises(InputError, match="is not taken, since opening it could run code") as caught:
            load_pt2(changed(saved, tmp_path / f"{number}.pt2", change))
        assert "\n" not in str(caught.value)
    assert not fuse.exists()


def test_native_code_is_refused(saved: Path, tmp_path: Path) -> None:
    path = changed(saved, tmp_path / "a.pt2", lambda name, content: None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a/data/aotinductor/model/model.so", b"\x7fELF")
    with pytest.raises(InputError, match="holds native code"):
        load_pt2(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pt2").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.pt2 is no \.pt2 archive"):
        load_pt2(tmp_path / "a.pt2")


def test_a_cut_archive_is_refused(saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    for share in (0.3, 0.7, 0.99):
        (tmp_path / "cut.pt2").write_bytes(content[: int(len(content) * share)])
        with pytest.raises(InputError, match=r"cut\.pt2"):
            load_pt2(tmp_path / "cut.pt2")


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt2", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(InputError, match="cannot be read by torch"):
        load_pt2(tmp_path / "a.pt2")


def test_a_checkpoint_is_not_for_an_archive(saved: Path, tmp_path: Path) -> None:
    torch.save({}, tmp_path / "w.pt")
    request = ExportRequest(models=(str(saved),), out=tmp_path / "out", checkpoint=tmp_path / "w.pt")
    with pytest.raises(InputError, match="leave --checkpoint out"):
        export(request, silent)
