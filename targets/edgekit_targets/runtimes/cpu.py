"""ONNX Runtime on the processor."""

from __future__ import annotations

from pathlib import Path

from edgekit_targets.runtimes.contract import DeviceMeter, Session, Shapes
from edgekit_targets.runtimes.onnx_file import Signature, read_signature
from edgekit_targets.runtimes.packages import install, onnxruntime_conflict, present, separate
from edgekit_targets.types.session import SessionOptions
from edgekit_targets.types.target import TargetStatus


class Cpu:
    """The target ``cpu``."""

    name = "cpu"
    summary = "ONNX Runtime on the processor"
    module = "onnxruntime"
    extra = "cpu"
    notes: tuple[str, ...] = ()

    def status(self) -> TargetStatus:
        """Available wherever the package imports; a clash of the two builds is told along."""
        if not present(self.module):
            return self._status(False, None, "onnxruntime is not installed", install(self.extra))
        version = self.prepare()
        conflict = onnxruntime_conflict()
        return self._status(True, version, conflict, separate(self.extra) if conflict else None)

    def prepare(self) -> str:
        """Import ONNX Runtime; its processor kernels are part of the module."""
        from edgekit_targets.runtimes.ort_session import version

        return version()

    def check(self, path: Path) -> Signature:
        """Read what a file declares."""
        return read_signature(path)

    def open(self, path: Path, options: SessionOptions, signature: Signature, shapes: Shapes | None = None) -> Session:
        """Load a model."""
        from edgekit_targets.runtimes.fixed import open_fixed
        from edgekit_targets.runtimes.ort_session import OrtSession, Provider

        provider = Provider(name="CPUExecutionProvider")
        return open_fixed(lambda fixed, refused: OrtSession(path, options, signature, provider, fixed, refused), shapes)

    def device_meter(self) -> DeviceMeter | None:
        """None: its memory is the host's."""
        return None

    def _status(self, available: bool, version: str | None, reason: str | None, remedy: str | None) -> TargetStatus:
        return TargetStatus(
            name=self.name, summary=self.summary, available=available, version=version, reason=reason, remedy=remedy
        )
