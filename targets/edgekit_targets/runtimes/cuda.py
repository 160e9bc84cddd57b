"""ONNX Runtime on an NVIDIA GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit_targets.errors import InputError, MissingExtra
from edgekit_targets.extras import require
from edgekit_targets.runtimes.contract import Session
from edgekit_targets.runtimes.onnx_file import Signature, read_signature
from edgekit_targets.runtimes.packages import install, onnxruntime_conflict, present, separate, version_of
from edgekit_targets.types.session import SessionOptions
from edgekit_targets.types.target import TargetStatus

PROVIDER = "CUDAExecutionProvider"


class Cuda:
    """The target ``cuda``. Inputs and outputs live in host memory, as an application has them, so copies are timed."""

    name = "cuda"
    summary = "ONNX Runtime on an NVIDIA GPU"
    module = "onnxruntime"
    extra = "cuda"
    notes: tuple[str, ...] = ("memory is that of the process on the host; the GPU's own was not measured",)

    def status(self) -> TargetStatus:
        """Available where the GPU build imports and names the provider; a session may still find no driver."""
        if not present(self.module):
            return self._status(None, "onnxruntime-gpu is not installed", install(self.extra))
        version = self.prepare()
        reason = self._unusable(require(self.module))
        return self._status(version, reason, self._remedy() if reason else None)

    def prepare(self) -> str:
        """Import ONNX Runtime and, where it can, the CUDA libraries that pip installed beside it."""
        if not present(self.module):
            raise MissingExtra("onnxruntime-gpu", "cuda")
        from edgekit_targets.runtimes.ort_session import version

        ort = require(self.module)
        if PROVIDER in ort.get_available_providers():
            ort.preload_dlls()
        return version()

    def check(self, path: Path) -> Signature:
        """Read what a file declares."""
        return read_signature(path)

    def open(self, path: Path, options: SessionOptions, signature: Signature) -> Session:
        """Load a model with every node on the GPU.

        A node without a GPU kernel is an error here (``session.disable_cpu_ep_fallback``), because a model that runs
        on the processor in part is not what ``cuda`` says. TF32 is off, so that fp32 means fp32.

        Raises:
            InputError: no GPU build, no GPU, or a node that cannot run there.
        """
        reason = self._unusable(require(self.module))
        if reason is not None:
            raise InputError(f"--target cuda cannot run here: {reason}; fix it with: {self._remedy()}")
        from edgekit_targets.runtimes.ort_session import OrtSession

        config = {"session.disable_cpu_ep_fallback": "1"}
        session = OrtSession(path, options, signature, [(PROVIDER, {"use_tf32": "0"})], config)
        if session.providers()[:1] != [PROVIDER]:
            session.close()
            raise InputError(
                f"--target cuda: ONNX Runtime could not start CUDA for {path.name} and would have used the processor; "
                "check the driver with: nvidia-smi"
            )
        return session

    def _unusable(self, ort: Any) -> str | None:
        if PROVIDER in ort.get_available_providers():
            return None
        return onnxruntime_conflict() or "the onnxruntime that is installed is the build without CUDA"

    def _remedy(self) -> str:
        return install(self.extra) if version_of("onnxruntime") is None else separate(self.extra)

    def _status(self, version: str | None, reason: str | None, remedy: str | None) -> TargetStatus:
        return TargetStatus(
            name=self.name,
            summary=self.summary,
            available=reason is None,
            version=version,
            reason=reason,
            remedy=remedy,
        )
