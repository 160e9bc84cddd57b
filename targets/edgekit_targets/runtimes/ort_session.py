"""One model on ONNX Runtime, whatever it runs on; shared by ``cpu`` and ``cuda``."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgekit_targets.errors import InputError
from edgekit_targets.extras import require
from edgekit_targets.runtimes.carried import Carried, Turn, alternate, fed
from edgekit_targets.runtimes.contract import Array, Shapes
from edgekit_targets.runtimes.oneline import one_line
from edgekit_targets.runtimes.onnx_file import Signature
from edgekit_targets.types.manifest import State
from edgekit_targets.types.session import SessionFacts, SessionOptions

_ERRORS_ONLY = 3
_NO_GRAPH = -1
NO_FALLBACK = "session.disable_cpu_ep_fallback"
# It crashes ONNX Runtime 1.32 while loading fp16 models with an LSTM (onnxruntime#32405) and does nothing for others.
_CRASHING_OPTIMIZERS = "FuseFp16InitializerToFp32NodeTransformer"


@dataclass(frozen=True, kw_only=True)
class Provider:
    """An execution provider and how a session of it is made; nothing here depends on which one it is.

    ``device`` is where its buffers lie, by ONNX Runtime's name. ``staged``: that is not the host's memory, so what is
    fed is copied there before an inference, and the answers back after it, as an application must. ``exclusive``: a
    node that would run elsewhere is an error. ``config`` holds further session settings by their documented keys.
    """

    name: str
    device: str = "cpu"
    what: str = "processor"
    precision: str = "as in the file"
    staged: bool = False
    exclusive: bool = False
    graph: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)


class OrtSession:
    """An ``InferenceSession`` with its inputs and outputs bound to memory that is reused."""

    def __init__(
        self,
        path: Path,
        options: SessionOptions,
        signature: Signature,
        provider: Provider,
        shapes: Shapes | None = None,
        refused: str | None = None,
    ) -> None:
        """Load ``path``, with the free dimensions fixed to what they are in ``shapes``, if given.

        Raises:
            InputError: ONNX Runtime cannot load it, or would run a node elsewhere than asked.
        """
        ort = require("onnxruntime")
        self._path = path
        self._ort = ort
        self._provider = provider
        self._errors = _error_types()
        self._version = version()
        self.inputs, self.outputs = signature
        self._graphs = itertools.count(1)
        self._session: Any = self._load(options, shapes or {})
        fixed = all(isinstance(size, int) for tensor in self._session.get_inputs() for size in tensor.shape)
        settings = self._session.get_session_options()
        self.facts = SessionFacts(
            runtime=f"ONNX Runtime {self._version}",
            build=str(ort.get_build_info()).removeprefix("ORT Build Info: "),
            device=f"{self._session.get_providers()[0]} on the {provider.what}",
            threads=settings.intra_op_num_threads,
            optimisation=settings.graph_optimization_level.name,
            precision=provider.precision,
            shapes="fixed" if fixed else "free",
            graph=provider.graph,
            refused=refused,
        )
        self._unbind()

    def _load(self, options: SessionOptions, shapes: Shapes) -> Any:
        """A session, all of it on the provider where that is exclusive.

        Raises:
            InputError: ONNX Runtime cannot load the file, or would run a node elsewhere.
        """
        settings = self._settings(options, shapes)
        try:
            session = self._opened(settings)
        except self._errors as error:
            self._name_what_falls_back(settings, shapes)
            raise InputError(
                f"{self._path} cannot be loaded by ONNX Runtime {self._version}: {one_line(error)}"
            ) from error
        if self._provider.exclusive:
            self._check_placement(session, shapes)
        return session

    def _name_what_falls_back(self, settings: Any, shapes: Shapes) -> None:
        """Let it, and look: that a node would run elsewhere is all that ONNX Runtime says when it refuses.

        Raises:
            InputError: naming the operators, if that is what is wrong.
        """
        if NO_FALLBACK in self._provider.config:
            settings.add_session_config_entry(NO_FALLBACK, "0")
            with contextlib.suppress(*self._errors):
                self._check_placement(self._opened(settings), shapes)

    def _opened(self, settings: Any) -> Any:
        provider = (self._provider.name, dict(self._provider.options))
        return self._ort.InferenceSession(str(self._path), settings, providers=[provider])

    def _settings(self, options: SessionOptions, shapes: Shapes) -> Any:
        settings = self._ort.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        settings.enable_cpu_mem_arena = options.arena
        settings.add_session_config_entry("session.intra_op.allow_spinning", "1" if options.spinning else "0")
        settings.execution_mode = self._ort.ExecutionMode.ORT_SEQUENTIAL
        settings.log_severity_level = _ERRORS_ONLY
        settings.add_session_config_entry("optimization.disable_specified_optimizers", _CRASHING_OPTIMIZERS)
        if self._provider.exclusive:
            settings.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        for key, value in self._provider.config.items():
            settings.add_session_config_entry(key, value)
        for tensor in self.inputs:
            for name, size in zip(tensor.shape, shapes.get(tensor.name, ()), strict=False):
                if isinstance(name, str):
                    settings.add_free_dimension_override_by_name(name, size)
        return settings

    def _check_placement(self, session: Any, shapes: Shapes) -> None:
        """Refuse a session of which a part came up elsewhere, which ONNX Runtime does without a word.

        Raises:
            InputError: naming the operators.
        """
        asked = self._provider.name
        if session.get_providers()[:1] != [asked]:
            raise InputError(
                f"ONNX Runtime could not start {asked} for {self._path.name} and would have used the processor; "
                "check the driver"
            )
        tell = getattr(session, "get_provider_graph_assignment_info", None)  # from 1.24 on
        elsewhere = {
            node.op_type
            for part in (tell() if tell is not None else ())
            if part.ep_name != asked
            for node in part.get_nodes()
        }
        if elsewhere:
            raise InputError(
                f"{self._path.name} does not run on {asked} alone: {', '.join(sorted(elsewhere))} would run on the "
                f"processor; choose another precision or target{'' if shapes else ', or fix the shapes'}"
            )

    def _unbind(self) -> None:
        self._calls: list[Callable[[], object]] = []
        self._fed: dict[str, Array] = {}
        self._staged: list[tuple[Any, Array]] = []
        self._states: list[tuple[Any, Array]] = []
        self._answers: dict[str, Any] = {}
        self._carried: Carried | None = None
        self._values: dict[int, Any] = {}
        self._last: Any = None
        self._maker: Any = None
        self.run: Callable[[], object] = self._unbound

    def bind(self, feeds: Mapping[str, Array], states: Sequence[State] = ()) -> None:
        """Bind the inputs in place, run once a turn, and keep the outputs that ONNX Runtime made as buffers.

        Raises:
            InputError: ONNX Runtime refuses the shapes or cannot run the model; a state that the model does not have.
        """
        # Only here: other providers copy between memories when something is bound, or were not tried.
        in_place = self._provider.name == "CPUExecutionProvider" and not self._provider.staged
        carried = Carried(states, self.inputs, self.outputs, feeds, in_place=in_place)
        self._unbind()
        self._carried = carried
        self._fed = {t.name: np.require(feeds[t.name], None, ["C", "W"]) for t in fed(self.inputs, states)}
        try:
            self._calls = [self._bind_turn(turn) for turn in carried.turns]
        except self._errors as error:
            raise InputError(f"{self._path} does not run on ONNX Runtime {self._version}: {one_line(error)}") from error
        self.run = alternate(self._calls)

    def write(self, feeds: Mapping[str, Array]) -> None:
        """Overwrite the bound arrays."""
        for name, value in feeds.items():
            np.copyto(self._fed[name], value)

    def synchronise(self) -> None:
        """Wait until the device is done with the last inference."""
        if self._last is not None:
            self._last.synchronize_outputs()

    def reset(self) -> None:
        """Give every carried state its initial value."""
        if self._carried is not None:
            self._carried.reset()
            for value, array in self._states:
                value.update_inplace(array)

    def read(self) -> dict[str, Array]:
        """Copies of the outputs of the last inference, carried states left out."""
        return {name: np.array(value.numpy()) for name, value in self._answers.items()}

    def close(self) -> None:
        """Let go of the model and its buffers."""
        self._unbind()
        self._session = None

    def _bind_turn(self, turn: Turn) -> Callable[[], object]:
        """A call for one turn, made once; the first turn's answers become the buffers of every turn's."""
        binding = self._binding(turn)
        known = {name: self._value(array, self._states) for name, array in turn.writes.items()}
        known |= self._answers
        for tensor in self.outputs:
            if tensor.name in known:
                binding.bind_ortvalue_output(tensor.name, known[tensor.name])
            else:
                binding.bind_output(tensor.name, self._provider.device)
        self._session.run_with_iobinding(binding, self._run_options(_NO_GRAPH))
        binding.synchronize_outputs()
        if not self._answers:
            names = [tensor.name for tensor in self.outputs]
            made = dict(zip(names, binding.get_outputs(), strict=True))
            self._answers = {name: value for name, value in made.items() if name not in turn.writes}
            # In older ONNX Runtimes (1.16 to 1.21 at least) these values belong to the binding that made them, and go
            # when it is cleared or bound anew: so it is kept as it is, and another one used.
            self._maker, binding = binding, self._binding(turn)
            for name in names:
                binding.bind_ortvalue_output(name, known.get(name, made[name]))
        self._last = binding
        return self._call(binding)

    def _binding(self, turn: Turn) -> Any:
        """One with the inputs of a turn and no outputs yet."""
        binding = self._session.io_binding()
        for name, array in self._fed.items():
            binding.bind_ortvalue_input(name, self._value(array, self._staged))
        for name, array in turn.reads.items():
            binding.bind_ortvalue_input(name, self._value(array, self._states))
        return binding

    def _value(self, array: Array, copied: list[tuple[Any, Array]]) -> Any:
        """The array as a value on the device, one for each; where that has memory of its own, ``copied`` has both."""
        if id(array) not in self._values:
            if self._provider.staged:
                value = self._ort.OrtValue.ortvalue_from_shape_and_type(
                    array.shape, array.dtype.type, self._provider.device, 0
                )
                value.update_inplace(array)
                copied.append((value, array))
            else:
                value = self._ort.OrtValue.ortvalue_from_numpy(array)
            self._values[id(array)] = value
        return self._values[id(array)]

    def _call(self, binding: Any) -> Callable[[], object]:
        run = self._session.run_with_iobinding
        if not self._provider.staged:
            return partial(run, binding)
        # A graph holds the addresses of the buffers that it was recorded with, and each turn has buffers of its own,
        # as has whatever is bound later: under a number that was used before, the first ones would be read again.
        graph = next(self._graphs)
        settings = self._run_options(graph)
        there = [(value.update_inplace, array) for value, array in self._staged]
        back = [value.numpy for value in self._answers.values()]

        def call() -> None:
            for copy, array in there:
                copy(array)
            run(binding, settings)  # waits for its stream; synchronize_outputs waits for the whole device once more
            for copy_back in back:
                copy_back()

        return call

    def _run_options(self, graph: int) -> Any:
        settings = self._ort.RunOptions()
        if self._provider.graph:
            settings.add_run_config_entry("gpu_graph_id", str(graph))
        return settings

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
