"""One model on OpenVINO."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from edgekit_targets.types.session import SessionFacts


class OpenVinoSession:
    """A compiled model whose requests (two where states are carried) have their tensors set once."""

    def __init__(
        self,
        core: Any,
        path: Path,
        signature: Signature,
        device: str,
        config: Mapping[str, Any],
        shapes: Shapes | None = None,
        refused: str | None = None,
    ) -> None:
        """Read and compile the model, for ``shapes`` alone if given.

        OpenVINO drops the names of dimensions, so they are taken from ``signature``.

        Raises:
            InputError: OpenVINO cannot load it, cannot give it these shapes, or would run a part elsewhere.
        """
        self._path = path
        self._openvino = require("openvino")
        self.inputs, self.outputs = signature
        try:
            model = core.read_model(str(path))
            if shapes is not None:
                model.reshape({name: list(shape) for name, shape in shapes.items()})
            compiled = core.compile_model(model, device, dict(config))
            self.facts = _facts(core, compiled, model, device, refused)
        except RuntimeError as error:
            raise InputError(f"{path} cannot be loaded by OpenVINO on {device}: {one_line(error)}") from error
        del model
        self._inputs = {tensor.name: _port(compiled.inputs, tensor.name, path) for tensor in self.inputs}
        self._outputs = {tensor.name: _port(compiled.outputs, tensor.name, path) for tensor in self.outputs}
        self._compiled: Any = compiled
        self._unbind()

    def _unbind(self) -> None:
        self._requests: list[Any] = []
        self._kept: list[Any] = []
        self._fed: dict[str, Array] = {}
        self._answers: dict[str, Any] = {}
        self._carried: Carried | None = None
        self.run: Callable[[], object] = self._unbound

    def bind(self, feeds: Mapping[str, Array], states: Sequence[State] = ()) -> None:
        """Set the tensors in place and infer once a turn; OpenVINO keeps its output buffers while shapes stay.

        Raises:
            InputError: OpenVINO refuses the shapes or cannot run the model; a state that the model does not have.
        """
        carried = Carried(states, self.inputs, self.outputs, feeds)
        self._unbind()
        self._carried = carried
        self._fed = {t.name: np.require(feeds[t.name], None, ["C", "W"]) for t in fed(self.inputs, states)}
        try:
            self._requests = [self._bind_turn(turn) for turn in carried.turns]
        except RuntimeError as error:
            raise InputError(f"{self._path} does not run on OpenVINO: {one_line(error)}") from error
        # Sharing outputs saves a copy of them after every inference; they are copied in read().
        self.run = alternate([partial(request.infer, share_outputs=True) for request in self._requests])

    def write(self, feeds: Mapping[str, Array]) -> None:
        """Overwrite the bound arrays."""
        for name, value in feeds.items():
            np.copyto(self._fed[name], value)

    def synchronise(self) -> None:
        """Wait for the requests, though every run has waited already."""
        for request in self._requests:
            request.wait()

    def reset(self) -> None:
        """Give every carried state its initial value."""
        if self._carried is not None:
            self._carried.reset()

    def read(self) -> dict[str, Array]:
        """Copies of the outputs of the last inference, carried states left out."""
        return {name: np.array(tensor.data) for name, tensor in self._answers.items()}

    def close(self) -> None:
        """Let go of the model and its buffers."""
        self._unbind()
        self._compiled = None

    def _bind_turn(self, turn: Turn) -> Any:
        """A request for one turn, inferred once; the first turn's answers become the buffers of every turn's."""
        request = self._compiled.create_infer_request()
        for name, array in {**self._fed, **turn.reads}.items():
            self._set(request, self._inputs[name], array)
        for name, array in turn.writes.items():
            self._set(request, self._outputs[name], array)
        for name, tensor in self._answers.items():
            request.set_tensor(self._outputs[name], tensor)
        request.infer(share_outputs=True)
        if not self._answers:
            names = [name for name in self._outputs if name not in turn.writes]
            self._answers = {name: request.get_tensor(self._outputs[name]) for name in names}
        return request

    def _set(self, request: Any, port: Any, array: Array) -> None:
        tensor = self._openvino.Tensor(array, shared_memory=True)
        self._kept += [array, tensor]
        request.set_tensor(port, tensor)

    def _unbound(self) -> None:
        raise RuntimeError("bind() comes before run()")


def version() -> str:
    """The version of OpenVINO here, without its build.

    Raises:
        MissingExtra: it is not installed.
    """
    return str(require("openvino").__version__).partition("-")[0]


def _facts(core: Any, compiled: Any, model: Any, device: str, refused: str | None) -> SessionFacts:
    """What the compiled model tells of itself.

    Raises:
        InputError: a part of it runs on another device than the one asked for.
    """
    runs_on = compiled.get_property("EXECUTION_DEVICES")
    used = [runs_on] if isinstance(runs_on, str) else list(runs_on)
    if any(one.partition(".")[0].strip("()") != device for one in used):
        raise InputError(f"OpenVINO would run the model on {', '.join(used)} instead of {device} alone")

    def told(name: str) -> Any:
        try:
            return compiled.get_property(name)
        except RuntimeError:  # not every plugin has every property
            return None

    threads, precision = told("INFERENCE_NUM_THREADS"), told("INFERENCE_PRECISION_HINT")
    return SessionFacts(
        runtime=f"OpenVINO {version()}",
        build=str(core.get_versions(device)[device].build_number),
        device=f"{', '.join(used)}: {core.get_property(device, 'FULL_DEVICE_NAME')}",
        threads=None if threads is None else int(threads),
        optimisation=f"performance hint {told('PERFORMANCE_HINT')}",
        precision="the device's own" if precision is None else precision.get_type_name(),
        shapes="free" if any(port.get_partial_shape().is_dynamic for port in model.inputs) else "fixed",
        refused=refused,
    )


def _port(ports: Any, name: str, path: Path) -> Any:
    for port in ports:
        if name in port.get_names():
            return port
    raise InputError(f"{path}: OpenVINO has no input or output called {name}; give them distinct names in the model")
