"""One model on ONNX Runtime, whatever it runs on; shared by ``cpu`` and ``cuda``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgekit_targets.errors import InputError
from edgekit_targets.extras import require
from edgekit_targets.runtimes.contract import Array, SessionOptions
from edgekit_targets.runtimes.oneline import one_line
from edgekit_targets.runtimes.onnx_file import Signature

_ERRORS_ONLY = 3
# It crashes ONNX Runtime 1.32 while loading fp16 models with an LSTM (onnxruntime#32405) and does nothing for others.
_CRASHING_OPTIMIZERS = "FuseFp16InitializerToFp32NodeTransformer"

Provider = str | tuple[str, dict[str, str]]


class OrtSession:
    """An ``InferenceSession`` with its inputs and outputs bound to memory that is reused."""

    def __init__(
        self,
        path: Path,
        options: SessionOptions,
        signature: Signature,
        providers: Sequence[Provider],
        config: Mapping[str, str],
    ) -> None:
        """Load ``path``; ``config`` holds further session settings by their documented keys."""
        ort = require("onnxruntime")
        self._path = path
        self._ort = ort
        self._errors = _error_types()
        self._version = version()
        self.inputs, self.outputs = signature
        settings = ort.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        settings.log_severity_level = _ERRORS_ONLY
        settings.add_session_config_entry("optimization.disable_specified_optimizers", _CRASHING_OPTIMIZERS)
        for key, value in config.items():
            settings.add_session_config_entry(key, value)
        try:
            self._session: Any = ort.InferenceSession(str(path), settings, providers=list(providers))
        except self._errors as error:
            raise InputError(f"{path} cannot be loaded by ONNX Runtime {self._version}: {one_line(error)}") from error
        self._binding: Any = None
        self._kept: list[Any] = []
        self.run: Callable[[], object] = self._unbound

    def providers(self) -> list[str]:
        """Where the model runs, first choice first."""
        return list(self._session.get_providers())

    def bind(self, feeds: Mapping[str, Array]) -> None:
        """Bind the inputs in place, run once, and keep the outputs that ONNX Runtime made as buffers for later runs.

        Raises:
            InputError: ONNX Runtime refuses the shapes or cannot run the model.
        """
        binding = self._session.io_binding()
        self._kept = [
            self._ort.OrtValue.ortvalue_from_numpy(np.require(feeds[t.name], None, ["C"])) for t in self.inputs
        ]
        try:
            for tensor, value in zip(self.inputs, self._kept, strict=True):
                binding.bind_ortvalue_input(tensor.name, value)
            for tensor in self.outputs:
                binding.bind_output(tensor.name, "cpu")
            self._session.run_with_iobinding(binding)
        except self._errors as error:
            raise InputError(f"{self._path} does not run on ONNX Runtime {self._version}: {one_line(error)}") from error
        buffers = binding.get_outputs()
        binding.clear_binding_outputs()
        for tensor, value in zip(self.outputs, buffers, strict=True):
            binding.bind_ortvalue_output(tensor.name, value)
        self._kept += buffers
        self._binding = binding
        self.run = partial(self._session.run_with_iobinding, binding)

    def read(self) -> dict[str, Array]:
        """Copies of the outputs of the last inference."""
        buffers = self._kept[len(self.inputs) :]
        return {tensor.name: np.array(value.numpy()) for tensor, value in zip(self.outputs, buffers, strict=True)}

    def close(self) -> None:
        """Let go of the model and its buffers."""
        self.run = self._unbound
        self._binding = None
        self._kept = []
        self._session = None

    def _unbound(self) -> None:
        raise RuntimeError("bind() comes before run()")


def version() -> str:
    """The version of ONNX Runtime here.

    Raises:
        MissingExtra: it is not installed.
    """
    return str(require("onnxruntime").__version__)


def _error_types() -> tuple[type[Exception], ...]:
    """Everything that ONNX Runtime raises of its own; its exceptions share no base class."""
    state = require("onnxruntime.capi.onnxruntime_pybind11_state")
    own = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*own, RuntimeError, ValueError)
