"""One model on ONNX Runtime, whatever it runs on; shared by ``cpu`` and ``cuda``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgekit_targets.errors import InputError
from edgekit_targets.extras import require
from edgekit_targets.runtimes.carried import Carried, Turn, alternate, fed
from edgekit_targets.runtimes.contract import Array
from edgekit_targets.runtimes.oneline import one_line
from edgekit_targets.runtimes.onnx_file import Signature
from edgekit_targets.types.manifest import State
from edgekit_targets.types.session import SessionOptions

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
        settings.enable_cpu_mem_arena = options.arena
        settings.add_session_config_entry("session.intra_op.allow_spinning", "1" if options.spinning else "0")
        settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        settings.log_severity_level = _ERRORS_ONLY
        settings.add_session_config_entry("optimization.disable_specified_optimizers", _CRASHING_OPTIMIZERS)
        for key, value in config.items():
            settings.add_session_config_entry(key, value)
        try:
            self._session: Any = ort.InferenceSession(str(path), settings, providers=list(providers))
        except self._errors as error:
            raise InputError(f"{path} cannot be loaded by ONNX Runtime {self._version}: {one_line(error)}") from error
        self._unbind()

    def _unbind(self) -> None:
        self._bindings: list[Any] = []
        self._fed: dict[str, Array] = {}
        self._answers: dict[str, Any] = {}
        self._carried: Carried | None = None
        self.run: Callable[[], object] = self._unbound

    def providers(self) -> list[str]:
        """Where the model runs, first choice first."""
        return list(self._session.get_providers())

    def bind(self, feeds: Mapping[str, Array], states: Sequence[State] = ()) -> None:
        """Bind the inputs in place, run once a turn, and keep the outputs that ONNX Runtime made as buffers.

        Raises:
            InputError: ONNX Runtime refuses the shapes or cannot run the model; a state that the model does not have.
        """
        # Only here: other providers copy between memories when something is bound, or were not tried.
        in_place = self.providers() == ["CPUExecutionProvider"]
        carried = Carried(states, self.inputs, self.outputs, feeds, in_place=in_place)
        self._unbind()
        self._carried = carried
        self._fed = {t.name: np.require(feeds[t.name], None, ["C", "W"]) for t in fed(self.inputs, states)}
        try:
            self._bindings = [self._bind_turn(turn) for turn in carried.turns]
        except self._errors as error:
            raise InputError(f"{self._path} does not run on ONNX Runtime {self._version}: {one_line(error)}") from error
        self.run = alternate([partial(self._session.run_with_iobinding, binding) for binding in self._bindings])

    def write(self, feeds: Mapping[str, Array]) -> None:
        """Overwrite the bound arrays."""
        for name, value in feeds.items():
            np.copyto(self._fed[name], value)

    def reset(self) -> None:
        """Give every carried state its initial value."""
        if self._carried is not None:
            self._carried.reset()

    def read(self) -> dict[str, Array]:
        """Copies of the outputs of the last inference, carried states left out."""
        return {name: np.array(value.numpy()) for name, value in self._answers.items()}

    def close(self) -> None:
        """Let go of the model and its buffers."""
        self._unbind()
        self._session = None

    def _bind_turn(self, turn: Turn) -> Any:
        """A binding for one turn, run once; the first turn's answers become the buffers of every turn's."""
        binding = self._session.io_binding()
        for name, array in {**self._fed, **turn.reads}.items():
            binding.bind_ortvalue_input(name, self._ort.OrtValue.ortvalue_from_numpy(array))
        known = {name: self._ort.OrtValue.ortvalue_from_numpy(array) for name, array in turn.writes.items()}
        known |= self._answers
        for tensor in self.outputs:
            if tensor.name in known:
                binding.bind_ortvalue_output(tensor.name, known[tensor.name])
            else:
                binding.bind_output(tensor.name, "cpu")
        self._session.run_with_iobinding(binding)
        if not self._answers:
            names = [tensor.name for tensor in self.outputs]
            made = dict(zip(names, binding.get_outputs(), strict=True))
            self._answers = {name: value for name, value in made.items() if name not in turn.writes}
            binding.clear_binding_outputs()
            for name in names:
                binding.bind_ortvalue_output(name, known.get(name, made[name]))
        return binding

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
