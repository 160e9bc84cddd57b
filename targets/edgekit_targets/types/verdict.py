"""What ``pick`` says: ``verdicts/*.json``, schema version 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgekit_targets.types.comparison import Baseline
from edgekit_targets.types.manifest import Mode, Precision

SCHEMA_VERSION = 1
Status = Literal["pass", "fail", "undecided", "unmeasured"]
Outcome = Literal["pick", "nothing-fits", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One limit of a budget: ``value`` in SI units or as a share; ``upper`` tells its direction."""

    name: str
    value: float
    upper: bool


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A limit held against one candidate.

    ``low`` and ``high`` are the ends of the 95 % interval; of a memory figure the least and the most of all launches.
    """

    name: str
    limit: float
    value: float | None
    low: float | None
    high: float | None
    status: Status
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An artifact on a target: the thing that is shipped."""

    artifact: str
    family: str
    mode: Mode
    precision: Precision | None
    target: str
    threads: int
    spinning: bool = False
    arena: bool = True
    fixed_shapes: bool = False
    cuda_graph: bool = False
    every_seconds: float | None = None
    """The pace it was measured at; null for a closed loop."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The pick of each mode; null where none fits or none was measured."""

    window: Choice | None
    stream: Choice | None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate with every limit.

    ``margin`` is the smallest (limit - value) / limit over the limits, sign turned for lower limits; null where a value
    is missing. ``status`` is the worst of the limits'.
    """

    artifact: str
    family: str
    mode: Mode
    precision: Precision | None
    target: str
    threads: int
    constraints: tuple[Constraint, ...]
    margin: float | None
    valid: bool
    status: Status
    spinning: bool = False
    arena: bool = True
    fixed_shapes: bool = False
    cuda_graph: bool = False
    every_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What stands between one model and the budget, and what would change that: only what was measured counts.

    ``nearest`` is its candidate with the smallest worst ratio, ``limit`` the one that it is furthest from meeting,
    ``ratio`` its figure there over the limit (of a lower limit the limit over the figure). ``fits_length`` is the
    largest length and ``fits_every_seconds`` the shortest pace, of those measured, at which the model would fit; null
    where there is none. ``more_measuring`` is how many times as many samples would settle an undecided limit; null
    where more measuring would not help, or that cannot be told.
    """

    family: str
    mode: Mode
    status: Status
    nearest: Choice | None
    limit: str | None
    ratio: float | None
    fits_length: int | None
    fits_every_seconds: float | None
    more_measuring: float | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer with everything it rests on."""

    schema_version: int
    edgekit_version: str
    created: str
    verdict: Outcome
    tie: bool
    choice: Choice | None
    choices: Choices
    candidates: tuple[Candidate, ...]
    pareto: tuple[Choice, ...]
    reasons: tuple[str, ...]
    sentence: str
    budget: str
    limits: tuple[Limit, ...]
    prefer: tuple[str, ...]
    device: str
    batch: int
    length: int
    evidence: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    """What would change the answer.

    Of every model without a candidate that fits: by how much, and where it would. Before them the candidate that would
    be preferred to the choice if it were sure to fit, where there is one.
    """
    baseline: Baseline | None = None
    """The last release, where one was compared with (``--baseline``)."""
