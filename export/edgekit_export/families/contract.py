"""What a model family is: a name, its sizes, and how to build it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edgekit_targets.types.manifest import State

if TYPE_CHECKING:
    import torch

Number = int | float


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Everything :meth:`Family.build` needs.

    ``features`` is the width of one step, ``length`` the steps of one sequence, ``settings`` the sizes of the family
    (the keys that the family's own ``settings`` name). With ``vocab``, the number of tokens, a step is a token id, and
    ``features`` the width it is embedded in.
    """

    features: int
    classes: int
    length: int
    settings: Mapping[str, Number]
    vocab: int | None = None

    @property
    def step(self) -> tuple[int, ...]:
        """The shape of one step: ``(features,)``, or ``()`` for a token id."""
        return (self.features,) if self.vocab is None else ()


@dataclass(frozen=True)
class Setting:
    """A number that ``--set`` may change: whole or not, and its range (both ends allowed)."""

    name: str
    low: Number
    high: Number
    whole: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class StepForm:
    """The stream form of a module: one step in, one answer out, with the module's own weights.

    ``module`` maps raw float32 [batch, features] (or token ids, int64 [batch]) and a list of states to logits
    [batch, classes] and the list of the states after that step, both in the order of ``states``. It may compute
    nothing in eager mode: it is for tracing.
    ``window`` is the number of steps that each layer sees; None where a state has no such bound.
    """

    module: torch.nn.Module
    states: tuple[State, ...]
    window: int | None


@dataclass(frozen=True, kw_only=True)
class NoStream:
    """A module without a stream form; ``reason`` is one line."""

    reason: str


DROPOUT = Setting("dropout", 0.0, 0.9, whole=False)


class Family(Protocol):
    """One architecture. Implementations are stateless and import torch only inside :meth:`build`."""

    @property
    def name(self) -> str:
        """The word users type, and the ``family`` of its artifacts."""

    @property
    def baseline(self) -> bool:
        """A simple model that a sequence model has to beat to be worth shipping."""

    @property
    def fixed_length(self) -> bool:
        """Works only at ``spec.length`` steps; the exported graph has no free length."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What ``--set`` may change. A preset's sizes use a subset of these keys."""

    @property
    def sizes(self) -> Mapping[str, Mapping[str, Number]]:
        """Settings by preset name."""

    @property
    def recipe(self) -> Mapping[str, Number]:
        """Where training this family differs from :class:`edgekit_export.training.recipe.Recipe`."""

    def build(self, spec: ModelSpec) -> torch.nn.Module:
        """A module that maps raw float32 [batch, length, features], or token ids, to logits [batch, classes].

        Normalisation happens inside, by a submodule ``normalise`` whose buffers training fills; with a vocabulary that
        is the embedding (:func:`edgekit_export.families.modules.entry.entry`). Weights come from torch's global
        generator.

        Raises:
            InputError: settings that do not go together (named as ``--set``).
        """

    def stream(self, module: torch.nn.Module) -> StepForm | NoStream:
        """The stream form of a module made by :meth:`build`: N steps from the initial states answer as N at once."""
