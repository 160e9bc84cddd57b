"""How long a run takes: what each stage would take on the machine it was tried on, corrected by how fast this one is.

Every round says its stages beforehand, in seconds on the wall. The constants are rough, from one two-core machine of
2026 [EPYC, AVX2]; what remains is told from them only until some of the work is done, and then from how long that took.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from edgekit.profiling.plan import Plan
from edgekit.rounds.context import Context
from edgekit.rounds.contract import LSTM, TRANSFORMER
from edgekit.rounds.effort import Size
from edgekit_targets.progress import Progress

ALL = "all rounds"
Stages = Mapping[str, float]
"""Seconds on the wall of each stage, by the name that it is told under."""
_TRAINED_SECONDS = 0.1
"""Of every training, however small."""
_FIXED = {LSTM: 1.1e-6, TRANSFORMER: 0.7e-6}
_PER_PARAMETER = {LSTM: 0.18e-9, TRANSFORMER: 0.2e-9}
"""Of one step of one sequence in one epoch, forwards and backwards."""
_DOUBLED_AT = 200.0
"""Steps at which attention costs as much as all else of a Transformer."""
_EPOCHS = 45
"""Of a real set, about, until nothing gets better."""
_FILE_SECONDS = 2.3
_LAUNCH_SECONDS = 0.4
_TARGETS = 2
"""That can run, where all are asked for."""
_EARLY = 0.03
"""The share of all work from which on this machine's own speed is known well enough."""


def training(
    context: Context, size: Size, steps: int, samples: int, epochs: int = _EPOCHS, *, models: float = 1.0
) -> float:
    """So many trainings of each family of the pair."""
    per_step = sum(
        _FIXED[family]
        + _PER_PARAMETER[family] * size.parameters * (1.0 if family == LSTM else 1.0 + steps / _DOUBLED_AT)
        for family in (LSTM, TRANSFORMER)
    )
    return models * (2 * _TRAINED_SECONDS + per_step * steps * samples * epochs) / context.trainers.workers


def exporting(context: Context, files: float) -> float:
    """So many artifacts, each verified."""
    return files * _FILE_SECONDS / context.trainers.workers


def measuring(targets: Sequence[str], subjects: float, plan: Plan) -> float:
    """So many files with their settings on every target, one after the other."""
    return subjects * (len(targets) or _TARGETS) * (plan.launches * _LAUNCH_SECONDS + plan.seconds / 2)


class Forecast:
    """Stands between a run and whoever watches it, and knows how much is left. It can be called as a Progress."""

    def __init__(self, stages: Stages, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: ``stages`` of the whole run; ``progress`` is told everything, and of :data:`ALL` beside."""
        self._stages = dict(stages)
        self._progress = progress
        self._clock = clock
        self._start = clock()
        self._first: dict[str, float] = {}
        self._shares: dict[str, float] = {}
        progress(ALL, 0.0, self.seconds)

    def __call__(self, stage: str, done: float, total: float) -> None:
        """``done`` of ``total``; what is done at the first call of a stage an earlier run did."""
        self._progress(stage, done, total)
        share = 1.0 if total <= 0 else min(1.0, done / total)
        self._first.setdefault(stage, share)
        self._shares[stage] = share
        self._progress(ALL, self._done(), self.seconds)

    @property
    def seconds(self) -> float:
        """All stages, as foreseen."""
        return sum(self._stages.values())

    def finish(self, stages: Stages) -> None:
        """Whatever of ``stages`` was not told counts as done, and as no work of this run."""
        for stage in stages:
            self._first.setdefault(stage, 1.0)
            self._shares[stage] = 1.0

    def left(self) -> float:
        """Seconds on the wall until the end, about."""
        worked = self._done() - sum(self._stages.get(stage, 0.0) * share for stage, share in self._first.items())
        pace = (self._clock() - self._start) / worked if worked > _EARLY * self.seconds else 1.0
        return pace * (self.seconds - self._done())

    def _done(self) -> float:
        return sum(self._stages.get(stage, 0.0) * share for stage, share in self._shares.items())


def about(seconds: float) -> str:
    """``"less than a minute"``, ``"about 12 min"``, ``"about 3 h 20 min"``."""
    minutes = round(seconds / 60.0)
    if minutes < 1:
        return "less than a minute"
    hours, rest = divmod(minutes, 60)
    return f"about {f'{hours} h ' if hours else ''}{rest} min"
