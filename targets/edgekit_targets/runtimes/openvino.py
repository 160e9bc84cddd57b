"""OpenVINO on the processor, and on Intel's GPU and NPU where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit_targets.errors import InputError
from edgekit_targets.extras import require
from edgekit_targets.runtimes.contract import DeviceMeter, Session, Shapes
from edgekit_targets.runtimes.onnx_file import Signature, read_signature
from edgekit_targets.runtimes.packages import install, present
from edgekit_targets.types.session import SessionOptions
from edgekit_targets.types.target import TargetStatus

_DRIVERS = "https://docs.openvino.ai/2026/get-started/install-openvino/configurations.html"
_REMEDIES = {
    "GPU": f"sudo apt-get install intel-opencl-icd, or another system's driver: {_DRIVERS}",
    "NPU": f"install the driver of the NPU: {_DRIVERS}",
}


class OpenVino:
    """The targets ``openvino`` (processor), ``openvino:GPU`` and ``openvino:NPU``."""

    module = "openvino"
    extra = "openvino"

    def __init__(self, device: str = "CPU", *, static: bool | None = None) -> None:
        """Aim at one of OpenVINO's ``device`` names; ``static``: it takes no free shapes, as an NPU does."""
        self._device = device
        self._static = device == "NPU" if static is None else static
        self._core: Any = None
        self.name = "openvino" if device == "CPU" else f"openvino:{device}"
        self.summary = f"OpenVINO on the {'processor' if device == 'CPU' else device}"
        self.notes: tuple[str, ...] = (
            () if device == "CPU" else (f"memory is that of the process on the host; the {device}'s was not measured",)
        )

    def status(self) -> TargetStatus:
        """Available where the package imports and finds the device."""
        if not present(self.module):
            return self._status(None, "openvino is not installed", install(self.extra))
        from edgekit_targets.runtimes.openvino_session import version as version_here

        version = version_here()
        missing = self._missing(require(self.module).Core())
        return self._status(version, missing, _REMEDIES.get(self._device) if missing else None)

    def prepare(self) -> str:
        """Import OpenVINO and load its plugin for the device, which is code and no part of any model.

        Raises:
            MissingExtra: OpenVINO is not installed.
            InputError: OpenVINO does not see the device.
        """
        from edgekit_targets.runtimes.openvino_session import version

        self._core = require(self.module).Core()
        missing = self._missing(self._core)
        if missing is not None:
            raise InputError(f"{self.name} cannot run here: {missing}; {_REMEDIES.get(self._device, _DRIVERS)}")
        self._core.get_versions(self._device)
        return version()

    def check(self, path: Path) -> Signature:
        """Read what a file declares."""
        return read_signature(path)

    def open(self, path: Path, options: SessionOptions, signature: Signature, shapes: Shapes | None = None) -> Session:
        """Load and compile a model for low latency, one request at a time, computing in fp32 where the device can.

        OpenVINO has neither an arena nor spinning to choose, so those options change nothing here. An NPU computes in
        fp16 and has no hint for anything wider.
        """
        from edgekit_targets.runtimes.fixed import open_fixed
        from edgekit_targets.runtimes.openvino_session import OpenVinoSession

        if self._core is None:
            self.prepare()
        config: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "CACHE_DIR": "",
        }
        if self._device == "CPU":
            config["INFERENCE_NUM_THREADS"] = options.threads
        if self._device != "NPU":
            config["INFERENCE_PRECISION_HINT"] = "f32"
        return open_fixed(
            lambda fixed, refused: OpenVinoSession(self._core, path, signature, self._device, config, fixed, refused),
            shapes,
            always=self._static,
        )

    def device_meter(self) -> DeviceMeter | None:
        """None: the processor's memory is the host's, and of a GPU's or NPU's nothing is told for one process."""
        return None

    def _missing(self, core: Any) -> str | None:
        """Why the device cannot be used; null where it is there."""
        devices = list(core.available_devices)
        if any(device.partition(".")[0] == self._device for device in devices):
            return None
        return f"OpenVINO finds no {self._device} (found: {', '.join(devices) or 'none'})"

    def _status(self, version: str | None, reason: str | None, remedy: str | None) -> TargetStatus:
        return TargetStatus(
            name=self.name,
            summary=self.summary,
            available=reason is None,
            version=version,
            reason=reason,
            remedy=remedy,
        )
