"""Holding a race among the candidates that are being measured."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.decision.figures import evidence_of
from edgekit.decision.race import Race, Racer
from edgekit.profiling.energy import energy_left_out
from edgekit.profiling.measure import Taken
from edgekit.profiling.plan import Plan
from edgekit.profiling.summarise import summarise
from edgekit_targets.types.manifest import Manifest
from edgekit_targets.types.profile import Measurement


class Referee:
    """Says after each launch who need not go on, from the figures so far of all and those of earlier runs."""

    def __init__(self, race: Race, manifest: Manifest, plan: Plan, created: str) -> None:
        """Nobody has entered yet."""
        self._race = race
        self._manifest = manifest
        self._plan = plan
        self._created = created
        self._kept: list[Racer] = []
        self._seen: dict[str, tuple[int, Racer | None]] = {}

    def settled(self, kept: Sequence[Measurement]) -> list[Measurement]:
        """Of earlier runs those that need no more measuring for this budget; they race along with the new ones."""
        racers = {id(one): self._enter(one) for one in kept}
        everybody = [one for one in racers.values() if one is not None]
        found = []
        for one in kept:
            racer = racers[id(one)]
            if racer is None or self._settled(one, racer, everybody):
                found.append(one)
                self._kept += [] if racer is None else [racer]
        return found

    def __call__(self, taken: Sequence[Taken]) -> None:
        """Stop those that need not go on."""
        racers, everybody = self._racers(taken)
        for one in taken:
            if one.stopped is not None or one.subject.key not in racers:
                continue
            racer = racers[one.subject.key]
            if racer is not None:
                one.stopped = self._race.reason(racer, everybody)
            elif len(one.opened) >= self._plan.launches:
                one.stopped = "it competes with nobody"

    def out(self, taken: Sequence[Taken]) -> dict[str, str]:
        """By key, those that cannot be picked whatever else is measured of them, and why."""
        racers, everybody = self._racers(taken)
        reasons = {key: self._race.out(racer, everybody) for key, racer in racers.items() if racer is not None}
        return {key: reason for key, reason in reasons.items() if reason is not None}

    def unfinished(self, taken: Sequence[Taken]) -> set[str]:
        """The keys of those that were measured to the end of the plan and are still undecided."""
        return {one.subject.key for one in taken if one.failure is None and one.stopped is None and one.slices}

    def _settled(self, one: Measurement, racer: Racer, everybody: Sequence[Racer]) -> bool:
        """Whether it needs no more measuring; what was out of an earlier race lacks its energy."""
        if energy_left_out(one) and self._race.out(racer, everybody) is None:
            return False
        return self._race.reason(racer, everybody) is not None

    def _racers(self, taken: Sequence[Taken]) -> tuple[dict[str, Racer | None], list[Racer]]:
        """Those that are measured now, by key, and everybody in the race."""
        racers = {one.subject.key: self._racer(one) for one in taken if one.slices and one.failure is None}
        return racers, [*self._kept, *(racer for racer in racers.values() if racer is not None)]

    def _racer(self, one: Taken) -> Racer | None:
        slices, racer = self._seen.get(one.subject.key, (0, None))
        if slices != len(one.slices):
            racer = self._enter(summarise(one, self._created))
            self._seen[one.subject.key] = len(one.slices), racer
        return racer

    def _enter(self, measurement: Measurement) -> Racer | None:
        found = evidence_of(self._manifest, [measurement])
        return self._race.enter(found[0]) if found else None
