"""What edgekit asks of a runtime: a target says whether it can run here and opens sessions; a session runs a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from edgekit_targets.runtimes.onnx_file import Signature
from edgekit_targets.types.manifest import State, Tensor
from edgekit_targets.types.profile import DeviceConditions
from edgekit_targets.types.session import SessionFacts, SessionOptions
from edgekit_targets.types.target import TargetStatus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = Any

Shapes = Mapping[str, tuple[int, ...]]
"""Of every input by its name, carried states included."""


class Session(Protocol):
    """One model, loaded.

    The buffers of a timed run are bound once, because passing arrays on every call costs more than a small model
    does (32 us against 19 us for one LSTM step). The same holds for carried states, which live in two sets of buffers
    that take turns (:mod:`edgekit_targets.runtimes.carried`).
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def facts(self) -> SessionFacts:
        """How the model really runs."""

    @property
    def run(self) -> Callable[[], object]:
        """Call it for one inference on the bound buffers; as thin as the runtime's public interface allows.

        It comes back when the answer is there, on any device: the clock is read next.
        """

    def bind(self, feeds: Mapping[str, Array], states: Sequence[State] = ()) -> None:
        """Bind one array to every input, run, and keep the output buffers for :attr:`run`.

        With ``states`` each call of :attr:`run` is one step that reads what the last one left; ``feeds`` then holds
        the other inputs. One step is run on each of the two sets of state buffers.

        Raises:
            InputError: the runtime refuses the shapes, or cannot run the model; a state that the model does not have.
        """

    def write(self, feeds: Mapping[str, Array]) -> None:
        """Overwrite what is bound, for the next inference; the shapes are those that were bound."""

    def synchronise(self) -> None:
        """Wait until the device has done all that it was asked; :attr:`run` does so by itself."""

    def reset(self) -> None:
        """Give every carried state its initial value."""

    def read(self) -> dict[str, Array]:
        """Copies of the outputs of the last inference, carried states left out."""

    def close(self) -> None:
        """Let go of the model."""


class DeviceMeter(Protocol):
    """Reads what this process has taken of a device's own memory, and the state of the device."""

    source: str
    """What is read, in words."""

    def used(self) -> int:
        """Bytes, now.

        Raises:
            OSError: the device or its driver does not tell.
        """

    def conditions(self) -> DeviceConditions | None:
        """Clock, heat and what holds the device back now; nothing where it does not tell."""


class Target(Protocol):
    """A runtime on some hardware."""

    name: str
    summary: str
    module: str
    """The package to import."""
    extra: str
    """The extra of the distribution that brings it."""
    notes: tuple[str, ...]
    """What a reader of this target's figures must know."""

    def status(self) -> TargetStatus:
        """Whether it can run here. Imports the runtime, which may crash: call it in a process of its own."""

    def prepare(self) -> str:
        """Import the runtime and load its code for this hardware; gives the version.

        What is resident after this is the runtime's, and what is added later is the model's.

        Raises:
            MissingExtra: the runtime is not installed.
            InputError: the hardware is not there.
        """

    def check(self, path: Path) -> Signature:
        """Read what a file declares, which is no part of loading it.

        Raises:
            InputError: the file is no ONNX model, or no self-contained one.
        """

    def open(self, path: Path, options: SessionOptions, signature: Signature, shapes: Shapes | None = None) -> Session:
        """Load a model that :meth:`check` gave the ``signature`` of.

        Args:
            path: the file.
            options: how to run it.
            signature: what it declares.
            shapes: of every input, to be fixed while it is loaded; what is bound later may have others all the same
                (:mod:`edgekit_targets.runtimes.fixed`).

        Raises:
            InputError: this runtime cannot run it, or not all of it on the device asked for.
        """

    def device_meter(self) -> DeviceMeter | None:
        """What reads the memory and the state of a device that has its own; none where the host is all there is."""
