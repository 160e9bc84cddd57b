"""How a model is run: the settings of a session that change its speed and memory, measured and shipped with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """Threads, spinning, arena, shapes and graph. With one thread no pool exists, so nothing spins beside the caller.

    ``spinning``: threads of the pool burn their core while they wait for the next inference. Faster in a closed loop;
    at a sensor's pace it multiplies CPU time many-fold (onnxruntime#11841). ``arena``: the runtime keeps freed memory
    for the next inference (onnxruntime#11627); no meaning where the runtime has none (OpenVINO). ``fixed_shapes``: the
    free dimensions are given their sizes while the model is loaded, so that the runtime works out beforehand what
    depends on them (a Transformer's window takes 0.6 to 0.95 times as long); the session then takes no other shape.
    ``cuda_graph``: the launches of a run are recorded once and replayed; no meaning off CUDA.
    """

    threads: int = 1
    spinning: bool = False
    arena: bool = True
    fixed_shapes: bool = False
    cuda_graph: bool = False


@dataclass(frozen=True, kw_only=True)
class SessionFacts:
    """How a loaded model really runs, as far as its runtime tells.

    ``device`` is the execution provider and what it runs on; ``precision`` that of the arithmetic on float inputs;
    ``shapes`` whether the free dimensions were given their sizes; ``graph`` whether a CUDA graph is replayed.
    ``refused``: why the shapes are free although they were to be fixed.
    """

    runtime: str
    build: str
    device: str
    threads: int | None
    optimisation: str
    precision: str
    shapes: Literal["fixed", "free"]
    graph: bool = False
    refused: str | None = None


class Configured(Protocol):
    """A record of something that was run so: a measurement, a candidate, a choice."""

    @property
    def threads(self) -> int:
        """See :class:`SessionOptions`."""

    @property
    def spinning(self) -> bool:
        """See :class:`SessionOptions`."""

    @property
    def arena(self) -> bool:
        """See :class:`SessionOptions`."""

    @property
    def fixed_shapes(self) -> bool:
        """See :class:`SessionOptions`."""

    @property
    def cuda_graph(self) -> bool:
        """See :class:`SessionOptions`."""


def options_of(one: Configured) -> SessionOptions:
    """The options that a record tells field by field."""
    return SessionOptions(
        threads=one.threads,
        spinning=one.spinning,
        arena=one.arena,
        fixed_shapes=one.fixed_shapes,
        cuda_graph=one.cuda_graph,
    )
