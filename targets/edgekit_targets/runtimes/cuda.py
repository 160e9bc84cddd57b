"""ONNX Runtime on an NVIDIA GPU."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit_targets.errors import InputError, MissingExtra
from edgekit_targets.extras import require
from edgekit_targets.runtimes.contract import DeviceMeter, Session, Shapes
from edgekit_targets.runtimes.onnx_file import Signature, read_signature
from edgekit_targets.runtimes.packages import install, onnxruntime_conflict, present, separate, version_of
from edgekit_targets.types.session import SessionOptions
from edgekit_targets.types.target import TargetStatus

if TYPE_CHECKING:
    from edgekit_targets.runtimes.ort_session import Provider

PROVIDER = "CUDAExecutionProvider"
_NOT_LOADED = "Failed to load "
"""How ONNX Runtime begins the lines that name a library of CUDA which it could not load."""
_ERRORS_ONLY = 3


class Cuda:
    """The target ``cuda``.

    Every buffer lies on the GPU and is bound once. An application has its input and wants its answer on the host, so
    the copy of what is fed and of the answers is timed along; carried states never leave the GPU.
    """

    name = "cuda"
    summary = "ONNX Runtime on an NVIDIA GPU"
    module = "onnxruntime"
    extra = "cuda"
    notes: tuple[str, ...] = (
        "memory is that of the process on the host; the GPU's own is told apart",
        "the copies of the input to the GPU and of the answer back are part of the time",
    )

    def status(self) -> TargetStatus:
        """Available where the GPU build imports, names the provider and a session starts on a GPU."""
        if not present(self.module):
            return self._status(None, "onnxruntime-gpu is not installed", install(self.extra))
        ort = require(self.module)
        reason, remedy = self._lacking(ort) or self._start(ort) or (None, None)
        return self._status(str(ort.__version__), reason, remedy)

    def prepare(self) -> str:
        """Import ONNX Runtime, load the CUDA libraries that pip installed beside it, and run something on the GPU.

        What the driver, the context and the libraries take of the GPU's memory is there after this, and is no model's.

        Raises:
            MissingExtra: ONNX Runtime is not installed.
            InputError: it is the build without CUDA, or no session starts on the GPU.
        """
        if not present(self.module):
            raise MissingExtra("onnxruntime-gpu", "cuda")
        from edgekit_targets.runtimes.ort_session import version

        ort = require(self.module)
        _refuse(self._lacking(ort) or self._start(ort))
        return version()

    def check(self, path: Path) -> Signature:
        """Read what a file declares."""
        return read_signature(path)

    def open(self, path: Path, options: SessionOptions, signature: Signature, shapes: Shapes | None = None) -> Session:
        """Load a model with every node on the GPU.

        A node without a GPU kernel is an error here (``session.disable_cpu_ep_fallback``, and where every node went is
        looked up afterwards), because a model that runs on the processor in part is not what ``cuda`` says. TF32 is
        off, so that fp32 means fp32.

        Raises:
            InputError: no GPU build, no GPU, or a node that cannot run there.
        """
        _refuse(self._lacking(require(self.module)))
        from edgekit_targets.runtimes.fixed import open_fixed
        from edgekit_targets.runtimes.ort_session import OrtSession

        provider = self.provider(options)
        # What works out a free shape is left to the processor, and so refused: a Transformer needs them fixed.
        return open_fixed(
            lambda fixed, refused: OrtSession(path, options, signature, provider, fixed, refused), shapes, anew=True
        )

    def provider(self, options: SessionOptions) -> Provider:
        """How a session of CUDA is made. Apart from these values it is the code of ``cpu`` that runs."""
        from edgekit_targets.runtimes.ort_session import NO_FALLBACK, Provider

        graph = {"enable_cuda_graph": "1"} if options.cuda_graph else {}
        return Provider(
            name=PROVIDER,
            device="cuda",
            what="GPU",
            precision="as in the file, TF32 off",
            staged=True,
            exclusive=True,
            graph=options.cuda_graph,
            options={"use_tf32": "0", **graph},
            config={NO_FALLBACK: "1"},
        )

    def device_meter(self) -> DeviceMeter | None:
        """What NVML tells of this process."""
        from edgekit_targets.hardware.nvml import Nvml

        return Nvml()

    def _start(self, ort: Any) -> tuple[str, str] | None:
        """Keep a session of the smallest model, whose context and libraries every other session shares.

        Gives why none starts on the GPU, and the remedy.
        """
        from edgekit_targets.runtimes.onenode import ONE_NODE

        missing = _load_libraries(ort)
        ort.set_default_logger_severity(_ERRORS_ONLY)  # kernels warn past the session's own logger
        settings = ort.SessionOptions()
        settings.log_severity_level = _ERRORS_ONLY
        self._context: Any = ort.InferenceSession(ONE_NODE, settings, providers=[PROVIDER])
        if self._context.get_providers()[:1] == [PROVIDER]:
            return None
        self._context = None
        if missing:
            return f"libraries of CUDA are missing ({', '.join(missing)})", install(self.extra)
        return "ONNX Runtime finds no GPU that it can use", "nvidia-smi"

    def _lacking(self, ort: Any) -> tuple[str, str] | None:
        """Why the build that is installed cannot do it, and the remedy."""
        if PROVIDER in ort.get_available_providers():
            return None
        reason = onnxruntime_conflict() or "the onnxruntime that is installed is the build without CUDA"
        return reason, install(self.extra) if version_of("onnxruntime") is None else separate(self.extra)

    def _status(self, version: str | None, reason: str | None, remedy: str | None) -> TargetStatus:
        return TargetStatus(
            name=self.name,
            summary=self.summary,
            available=reason is None,
            version=version,
            reason=reason,
            remedy=remedy,
        )


def _load_libraries(ort: Any) -> list[str]:
    """Load the libraries of CUDA; gives those that were not found, which ONNX Runtime prints instead of telling."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        ort.preload_dlls()
    lines = [line for line in said.getvalue().splitlines() if line.startswith(_NOT_LOADED)]
    return sorted({Path(line.removeprefix(_NOT_LOADED).split(": ")[0]).name for line in lines})


def _refuse(trouble: tuple[str, str] | None) -> None:
    """Raise an InputError of what is missing, and the remedy, if anything is."""
    if trouble is not None:
        raise InputError(f"--target cuda cannot run here: {trouble[0]}; fix it with: {trouble[1]}")
