"""One model on OpenVINO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgekit_targets.errors import InputError
from edgekit_targets.extras import require
from edgekit_targets.runtimes.contract import Array
from edgekit_targets.runtimes.oneline import one_line
from edgekit_targets.runtimes.onnx_file import Signature


class OpenVinoSession:
    """A compiled model with one request whose tensors are set once."""

    def __init__(self, core: Any, path: Path, signature: Signature, device: str, config: Mapping[str, Any]) -> None:
        """Read and compile the model; OpenVINO drops the names of dimensions, so they are taken from ``signature``."""
        self._path = path
        self._openvino = require("openvino")
        self.inputs, self.outputs = signature
        compiled = core.compile_model(str(path), device, dict(config))
        self._inputs = {tensor.name: _port(compiled.inputs, tensor.name, path) for tensor in self.inputs}
        self._outputs = {tensor.name: _port(compiled.outputs, tensor.name, path) for tensor in self.outputs}
        self._request: Any = compiled.create_infer_request()
        self._kept: list[Any] = []
        self.run: Callable[[], object] = self._unbound

    def bind(self, feeds: Mapping[str, Array]) -> None:
        """Set the input tensors in place and infer once; OpenVINO keeps its output buffers while shapes stay.

        Raises:
            InputError: OpenVINO refuses the shapes or cannot run the model.
        """
        # Sharing outputs saves a copy of them after every inference; they are copied in read().
        run = partial(self._request.infer, share_outputs=True)
        try:
            self._kept = []
            for name, port in self._inputs.items():
                array = np.require(feeds[name], None, ["C", "W"])
                tensor = self._openvino.Tensor(array, shared_memory=True)
                self._kept += [array, tensor]
                self._request.set_tensor(port, tensor)
            run()
        except RuntimeError as error:
            raise InputError(f"{self._path} does not run on OpenVINO: {one_line(error)}") from error
        self.run = run

    def read(self) -> dict[str, Array]:
        """Copies of the outputs of the last inference."""
        return {name: np.array(self._request.get_tensor(port).data) for name, port in self._outputs.items()}

    def close(self) -> None:
        """Let go of the model and its buffers."""
        self.run = self._unbound
        self._request = None
        self._kept = []

    def _unbound(self) -> None:
        raise RuntimeError("bind() comes before run()")


def version() -> str:
    """The version of OpenVINO here, without its build.

    Raises:
        MissingExtra: it is not installed.
    """
    return str(require("openvino").__version__).partition("-")[0]


def _port(ports: Any, name: str, path: Path) -> Any:
    for port in ports:
        if name in port.get_names():
            return port
    raise InputError(f"{path}: OpenVINO has no input or output called {name}; give them distinct names in the model")
