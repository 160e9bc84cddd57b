"""The agent's protocol, version 2: JSON lines over stdin and stdout.

A controller (the workstation) writes one request a line and the agent answers each with exactly one reply a line:

    {"id": 7, "do": "run", "with": {...}}
    {"id": 7, "reply": "ran", "with": {...}}

The agent ends when its input ends. An empty line is no request and has no reply: it says that the controller is still
there (:mod:`edgekit_targets.agent.silence`). Each ``open`` starts a fresh worker process that holds one model on one
target; ``run`` may be called on open handles in any order, so the controller decides how candidates are interleaved.
Anything that goes wrong with one handle is a ``failed`` reply, never the end of the agent: a worker that dies (a crash
in native code, out of memory) is reported with its signal or exit code.

| do       | with      | reply     |
|----------|-----------|-----------|
| hello    | Hello     | welcome   |
| open     | Open      | opened    |
| run      | Run       | ran       |
| evaluate | Evaluate  | evaluated |
| idle     | Idle      | idled     |
| enforce  | Enforce   | enforced  |
| close    | Close     | closed    |

Changing a field's meaning or removing one raises ``PROTOCOL``; adding one with a default does not, nor does a new
request, which an older agent refuses by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from edgekit_targets.types.manifest import State, Tensor
from edgekit_targets.types.profile import Conditions, Device, DeviceMemory, DeviceParity, Disturbance, Enforced, Memory
from edgekit_targets.types.session import SessionFacts, SessionOptions
from edgekit_targets.types.target import TargetStatus

PROTOCOL: Final = 2
MAX_LINE_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Hello:
    """First request of a controller; a different ``protocol`` is refused with the remedy.

    With ``exclusive`` no second controller may measure until this agent ends; where one does already, it is refused.
    An agent that the same ``controller`` (a word of its own) left behind across a line that broke is ended instead.
    """

    protocol: int = PROTOCOL
    exclusive: bool = False
    controller: str | None = None


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """Who answers: the machine's facts and what can run on it."""

    protocol: int
    edgekit_version: str
    device: Device
    targets: tuple[TargetStatus, ...]


@dataclass(frozen=True, kw_only=True)
class Open:
    """Load one model in a fresh process.

    ``inputs`` gives the concrete shape of every input that is not carried. ``golden`` is an ``.npz`` with
    ``input.<name>`` and ``output.<name>``: its inputs feed the timed runs where their shapes agree (else seeded random
    values), and with ``tolerance`` given it is run again and compared.

    With ``states`` the model is a stream's step: the worker carries them from one inference to the next, and arrays
    of samples are sequences, ``input.<name>`` [samples, steps, ...] with ``output.<name>`` [samples, steps, ...], each
    started from the initial states.
    """

    handle: str
    file: str
    sha256: str
    target: str
    inputs: dict[str, tuple[int, ...]]
    golden: str | None = None
    tolerance: float | None = None
    states: tuple[State, ...] = ()
    options: SessionOptions = field(default_factory=SessionOptions)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What loading and the first run cost, and whether the golden outputs came back."""

    handle: str
    runtime_version: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    load_seconds: float
    first_run_seconds: float
    memory: Memory | None
    parity: DeviceParity | None
    warnings: tuple[str, ...]
    facts: SessionFacts | None = None
    device_memory: DeviceMemory | None = None
    call_seconds: float | None = None
    """What one call takes that computes nothing (:mod:`edgekit_targets.agent.overhead`)."""
    conditions: Conditions | None = None
    """The state of the machine before the model was loaded."""
    process_peak_bytes: int | None = None
    """The high-water mark of the whole process, where that is all the system tells (``memory`` is null then)."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Warm up for ``warmup_seconds`` (at least once), then time single inferences.

    Stops at ``samples`` inferences or after ``max_seconds`` of measuring, whichever comes first, but not before one.
    Without ``every_seconds`` in a closed loop: the next inference starts when the last ends. With it an input arrives
    every period, on a fixed schedule that slow answers do not shift (wrk2's rule); those that arrive meanwhile wait.
    """

    handle: str
    samples: int
    max_seconds: float
    warmup_seconds: float
    every_seconds: float | None = None
    energy: bool = False
    """Tell the energy of the whole slice instead of its single samples, which take some energy to tell."""


@dataclass(frozen=True, kw_only=True)
class EnergyUsed:
    """What one source of energy readings told of an interval: of everything it covers, idle power included.

    ``joules`` is null where it told nothing; ``reason`` says why.
    """

    joules: float | None
    seconds: float
    source: str | None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ran:
    """One slice of samples: the service time of each inference in order, and the CPU time of all of them together.

    At a pace ``response_seconds`` has the time of each answer since its scheduled arrival, and the CPU time is that of
    the whole slice, waiting included.
    """

    handle: str
    seconds: tuple[float, ...]
    cpu_seconds: float | None
    wall_seconds: float
    warmup_runs: int
    steady_bytes: int | None
    warnings: tuple[str, ...] = ()
    """What a reader of these samples must know, and that does not make them doubtful."""
    response_seconds: tuple[float, ...] | None = None
    disturbances: tuple[Disturbance, ...] = ()
    """What makes these samples doubtful."""
    conditions: Conditions | None = None
    """The state of the machine after the slice."""
    inferences: int | None = None
    """How many there were, those of the warm-up included; told with ``energy``, when ``seconds`` is empty."""
    energy: EnergyUsed | None = None
    peak_bytes: int | None = None
    """The most that was resident in a run so far, whatever the process holds beside the model left out."""
    yardstick_seconds: float | None = None
    """What a fixed loop took after the slice (:mod:`edgekit_targets.hardware.yardstick`)."""


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Run every sample of ``inputs`` (an ``.npz`` of ``input.<name>``, first axis = samples), one by one, at batch 1.

    Each sample is fed as ``value[i : i + 1]``. The outputs, stacked along the first axis, go to ``outputs`` as
    ``output.<name>``. With ``whole`` the arrays are fed once, as they are. Of a model with states every step is fed
    as ``value[i : i + 1, step]`` (with ``whole`` as ``value[:, step]``), and the outputs are those of every step.
    """

    handle: str
    inputs: str
    outputs: str
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """How many samples were run."""

    handle: str
    samples: int


@dataclass(frozen=True, kw_only=True)
class Idle:
    """Do nothing for so long, and tell the energy of that; with 0 seconds only whether there is a source.

    ``target`` says of which hardware.
    """

    target: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Idled:
    """The energy of doing nothing, and the shortest interval that the source tells anything of."""

    energy: EnergyUsed
    window_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Enforce:
    """Open ``model`` and do ``run`` in a fresh process that may use at most ``limit_bytes``, and end it."""

    model: Open
    run: Run
    limit_bytes: int


@dataclass(frozen=True, kw_only=True)
class Close:
    """End the worker process."""

    handle: str


@dataclass(frozen=True, kw_only=True)
class Closed:
    """The worker process is gone."""

    handle: str


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The request failed: ``exit_code`` is that of the error types (2 input, 5 check, 1 bug or crash)."""

    message: str
    exit_code: int


REQUESTS: Final[dict[str, type[Any]]] = {
    "hello": Hello,
    "open": Open,
    "run": Run,
    "evaluate": Evaluate,
    "idle": Idle,
    "enforce": Enforce,
    "close": Close,
}
REPLIES: Final[dict[str, type[Any]]] = {
    "welcome": Welcome,
    "opened": Opened,
    "ran": Ran,
    "evaluated": Evaluated,
    "idled": Idled,
    "enforced": Enforced,
    "closed": Closed,
    "failed": Failed,
}
