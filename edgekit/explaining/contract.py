"""What ``edgekit explain`` gives: one sample's explanations, and how faithful such explanations are over many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 1
Method = Literal["attention", "rollout", "occlusion"]
METHODS: dict[Method, str] = {
    "attention": "attention of the last layer",
    "rollout": "attention through all layers (rollout)",
    "occlusion": "occlusion",
}
"""What each is called in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """What one method says of each step of the sample, in the order of the labels.

    Of attention a share (adding up to 1 over all steps), of occlusion the probability that is lost without the step.
    """

    method: Method
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The mean probability of the answer after each share of the steps was changed, with 95 % intervals."""

    share: tuple[float, ...]
    value: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Faithfulness:
    """How well the order of a method is that of what the model's answer rests on, over many samples.

    ``deletion`` is the mean probability of the answer while steps are hidden, the most important first (lower is
    better); ``insertion`` that while they are shown again in the same order (higher is better). ``score`` is insertion
    minus deletion as a share of what hiding everything costs (``full`` - ``hidden``): 0 is what random orders have on
    average, 1 - 1 / segments what one segment has that decides alone. Null where hiding everything costs nothing, with
    the reason. ``difference`` is the score minus that of occlusion, from the same samples in pairs; null of occlusion
    itself and without it.
    """

    method: Method
    score: float | None
    low: float | None
    high: float | None
    deletion: float
    insertion: float
    full: float
    hidden: float
    samples: int
    deletion_curve: Curve
    insertion_curve: Curve
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One sample, explained. ``labels`` name its steps, ``attention`` is ``[layer][head][query][key]`` between them.

    ``truth`` is the class of the sample where that is known. Long sequences are explained in segments of neighbouring
    steps, ``steps`` of the sample in all. ``answered_by`` is the file that answered, which for an attention artifact is
    the plain one beside it.
    """

    schema_version: int
    edgekit_version: str
    created: str
    artifact: str
    sha256: str
    family: str
    mode: str
    precision: str | None
    answered_by: str
    runtime: str
    sample: str
    data: str | None
    truth: str | None
    answer: str
    probability: float
    probabilities: dict[str, float]
    hidden: str
    steps: int
    labels: tuple[str, ...]
    attributions: tuple[Attribution, ...]
    attention: tuple[tuple[tuple[tuple[float, ...], ...], ...], ...] | None
    faithfulness: tuple[Faithfulness, ...]
    notes: tuple[str, ...]
