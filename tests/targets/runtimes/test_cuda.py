"""What the CUDA target asks of ONNX Runtime; no GPU is needed to see that."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes import ort_session
from edgekit_targets.runtimes.cuda import PROVIDER, Cuda
from edgekit_targets.types.session import SessionOptions

OPTIONS = SessionOptions(threads=1)


class Recorded:
    """Stands for ``OrtSession`` and tells what it was asked for."""

    made: ClassVar[list[Recorded]] = []
    started: tuple[str, ...] = (PROVIDER,)

    def __init__(self, path: Path, options: SessionOptions, signature: Any, providers: Any, config: Any) -> None:
        self.asked = providers
        self.config = config
        self.closed = False
        Recorded.made.append(self)

    def providers(self) -> list[str]:
        return list(self.started)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def with_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDER, "CPUExecutionProvider"])
    monkeypatch.setattr(ort_session, "OrtSession", Recorded)
    monkeypatch.setattr(Recorded, "made", [])


@pytest.mark.usefixtures("with_cuda")
def test_never_falls_back_to_the_processor(matmul: Path) -> None:
    target = Cuda()
    target.open(matmul, OPTIONS, target.check(matmul))
    (session,) = Recorded.made
    assert session.asked == [(PROVIDER, {"use_tf32": "0"})]
    assert session.config["session.disable_cpu_ep_fallback"] == "1"
    assert not session.closed


@pytest.mark.usefixtures("with_cuda")
def test_a_session_that_came_up_elsewhere_is_refused(matmul: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorded, "started", ("CPUExecutionProvider",))
    target = Cuda()
    with pytest.raises(InputError, match="would have used the processor"):
        target.open(matmul, OPTIONS, target.check(matmul))
    assert Recorded.made[0].closed


def test_without_cuda_it_does_not_even_try(matmul: Path) -> None:
    import onnxruntime

    if PROVIDER in onnxruntime.get_available_providers():
        pytest.skip("this is the build with CUDA")
    target = Cuda()
    with pytest.raises(InputError, match=r"--target cuda cannot run here.*edgekit-onnx\[cuda\]"):
        target.open(matmul, OPTIONS, target.check(matmul))
