"""Is the pick the best, and does what was picked keep the budget when it is measured again by other hands?

The trained pair is measured to the end: fp32 and int8, on ONNX Runtime and OpenVINO, with one thread and two. For each
cell of a grid of budgets and preference orders the race is then run again on half of the launches, as ``compare
--budget`` runs it, and its pick held against that of the other half, all of which is looked at, as with
``--exhaustive``. The two agree where they name the same file, where the rule calls the two a tie by what either half
has seen, or where both find that nothing fits. What was picked anywhere is then measured again in processes of its own
by a plain script that has nothing of edgekit in it (``native/remeasure.py``), and held against every budget it was
picked for.

Run by ``make bench``; exits 1 when fewer than 95 % of the cells agree on a machine that was as fast all the time (on
another that is undecided: the race saw another machine than who looks at everything), when a figure measured again lies
beyond a limit of its budget with its whole 95 % interval, or when fewer than a quarter of the cells have a pick, which
shows nothing.
``python -m tests.benchmarks.honesty FOLDER`` keeps what it measures there and goes on from it when it was ended early.
"""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.budget.budget import Budget
from edgekit.decision.figures import Evidence, evidence_of, figure
from edgekit.decision.judge import judge
from edgekit.decision.prefer import DEFAULT, Ranking, rank
from edgekit.decision.race import Race, Racer
from edgekit.decision.weigh import fits
from edgekit.profiling.journal import Journal, entry_of, go_on
from edgekit.profiling.measure import Taken, take
from edgekit.profiling.plan import subjects, until_decided
from edgekit.profiling.slowed import slowed_warnings
from edgekit.profiling.summarise import summarise
from edgekit_export.data import load
from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.protocol import Ran
from edgekit_targets.bundle import read_manifest
from edgekit_targets.progress import silent
from edgekit_targets.spawn import environment
from edgekit_targets.types.manifest import Manifest, Precision
from edgekit_targets.types.verdict import Limit
from tests.benchmarks.common.rounds import Middle, middle

FAMILIES = ("lstm", "transformer")
DATA = "aeon:JapaneseVowels"
PRECISIONS: tuple[Precision, ...] = ("fp32", "int8-dynamic")
TARGETS = {"cpu": "onnxruntime", "openvino": "openvino"}
THREADS = (1, 2)
LAUNCHES = 48
"""Of each candidate: the even ones for the race, the odd ones for who looks at everything."""
ORDERS = (DEFAULT, ("p99", "memory"), ("size", "memory", "cpu"))
LATENCIES, MEMORIES = 6, 4
ACCURACIES = (None, 0.9)
AGAIN, SAMPLES = 8, 2000
AGREEING = 0.95
SCRIPT = Path(__file__).parent / "native" / "remeasure.py"
Setup = tuple[str, str, int]
"""Artifact, target and threads."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """What one candidate gave, and its evidence after each number of launches: ``after[0]`` is after the first."""

    setup: Setup
    after: Sequence[Evidence]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A budget and an order with both answers; a ranking is null where nothing is sure to fit."""

    budget: Budget
    order: Sequence[str]
    raced: Ranking | None
    whole: Ranking | None
    launches: int
    """Of all candidates, until the race was over."""

    @property
    def standing(self) -> str:
        """How the two answers stand to each other."""
        if self.raced is None or self.whole is None:
            return "both find nothing" if self.raced is self.whole else "one finds nothing"
        if self.raced.winner.artifact.id == self.whole.winner.artifact.id:
            return "same file"
        for one, other in ((self.raced, self.whole), (self.whole, self.raced)):
            if _setup(one.winner) in map(_setup, other.tied):
                return "a tie"
        return "different"


def main(kept: Path | None) -> int:
    """Measure, decide every cell, measure the picks again, and say whether the bounds hold."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (kept or Path(scratch)) / "bundle"
        if not (folder / "manifest.json").exists():
            export(ExportRequest(models=FAMILIES, out=folder, data=DATA, precisions=PRECISIONS), silent)
        manifest = read_manifest(folder)
        taken, disturbed = exhaustive(folder, manifest)
        print(
            f"{len(taken)} candidates, {LAUNCHES} launches each: {time.monotonic() - started:.0f} s; others disturbed "
            f"{disturbed:.0%} of the slices",
            flush=True,
        )
        first, second = (_pools(manifest, [_part(one, half) for one in taken]) for half in (0, 1))
        cells = [
            decide(budget, order, first, second)
            for budget in grid([one.after[-1] for one in second])
            for order in ORDERS
        ]
        agree = report_agreement(cells, len(taken))
        restless = agree < AGREEING and _restless(second)
        if sum(cell.raced is not None for cell in cells) < len(cells) / 4:
            print("honesty: so few of the cells have a pick that nothing is shown; run it on a quieter machine")
            return 1
        broken = report_violations(cells, again(folder, manifest, cells))
    print(f"honesty: {time.monotonic() - started:.0f} s in all")
    return int((agree < AGREEING and not restless) or broken > 0)


def exhaustive(folder: Path, manifest: Manifest) -> tuple[list[Taken], float]:
    """Every candidate measured to the end, with slices as long as those of ``compare``; goes on from an earlier run.

    Disturbed slices count like any other here, since both halves and what is measured again meet the same machine; the
    second figure is their share.
    """
    base = until_decided()
    scale = LAUNCHES / base.launches
    plan = dataclasses.replace(
        base,
        launches=LAUNCHES,
        samples=round(base.samples * scale),
        seconds=base.seconds * scale,
        most_seconds=None,
    )
    wanted = subjects(
        folder, manifest, targets=list(TARGETS), threads=THREADS, batches=(1,), lengths=(), pace=None, settings=None
    )
    taken = [Taken(one) for one in wanted]
    with LocalAgent() as agent:
        welcome = agent.hello(exclusive=True)
        journal = Journal(folder, welcome.device, plan)
        entries, why = journal.read()
        assert why is None, why
        journal.start(entries)
        disturbed = [bool(ran.disturbances) for entry in entries for ran in entry.slices]
        versions = {status.name: status.version for status in welcome.targets}
        go_on(taken, [dataclasses.replace(one, slices=_undisturbed(one.slices)) for one in entries], versions)
        earlier = [len(one.slices) for one in taken]
        take(agent, taken, plan, lambda: None, keep=lambda one, launch: journal.add(entry_of(one, launch)))
    for one, before in zip(taken, earlier, strict=True):
        assert one.failure is None, f"{one.subject.key}: {one.failure}"
        disturbed += [bool(ran.disturbances) for ran in one.slices[before:]]
        one.slices = list(_undisturbed(one.slices))
    return taken, sum(disturbed) / len(disturbed)


def _undisturbed(slices: Sequence[Ran]) -> tuple[Ran, ...]:
    return tuple(dataclasses.replace(ran, disturbances=()) for ran in slices)


def _part(one: Taken, half: int) -> list[Taken]:
    """Half of the launches of a candidate: what there was after the first of them, after the second, and so on."""
    numbers = sorted({place[0] for place in one.places})
    places = list(range(half, LAUNCHES, 2))
    found = []
    for count in range(1, len(places) + 1):
        own = {numbers[place] for place in places[:count]}
        found.append(
            Taken(
                subject=one.subject,
                opened=[one.opened[place] for place in places[:count]],
                slices=[ran for ran, place in zip(one.slices, one.places, strict=True) if place[0] in own],
                places=[place for place in one.places if place[0] in own],
                complete=True,
            )
        )
    return found


def _pools(manifest: Manifest, parts: Sequence[Sequence[Taken]]) -> list[Pool]:
    found = []
    for part in parts:
        after = evidence_of(manifest, [summarise(one, "") for one in part])
        found.append(Pool(setup=_setup(after[0]), after=after))
    return found


def _restless(pools: Sequence[Pool]) -> bool:
    """Whether the processor itself was not the same all the time; says so."""
    slowed = [one.slowed for one in (pool.after[-1].measurement for pool in pools) if one.slowed is not None]
    worst = max(slowed, key=lambda one: one.share, default=None)
    told = slowed_warnings(worst)
    for line in told:
        print(f"honesty: whether the picks agree is undecided: {line}", flush=True)
    return bool(told)


def _setup(one: Evidence) -> Setup:
    return one.artifact.id, one.measurement.target, one.measurement.threads


def grid(evidence: Sequence[Evidence]) -> Iterator[Budget]:
    """Budgets from one that nothing keeps to one that everything keeps, by p50 or p99, memory and accuracy."""
    figures = {
        name: [value for one in evidence if (value := figure(name, one).value) is not None]
        for name in ("p50", "p99", "memory")
    }
    for quantile in ("p50", "p99"):
        for latency in np.geomspace(0.8 * min(figures[quantile]), 2 * max(figures[quantile]), LATENCIES):
            for memory in np.geomspace(0.95 * min(figures["memory"]), 1.1 * max(figures["memory"]), MEMORIES):
                for accuracy in ACCURACIES:
                    limits = [Limit(name=quantile, value=float(latency), upper=True)]
                    limits.append(Limit(name="memory", value=float(memory), upper=True))
                    if accuracy is not None:
                        limits.append(Limit(name="accuracy", value=accuracy, upper=False))
                    name = f"{quantile}={latency * 1e6:.0f}us, memory={memory / 2**20:.1f}MiB"
                    yield Budget(name=name + (f", accuracy={accuracy}" if accuracy else ""), limits=tuple(limits))


def decide(budget: Budget, order: Sequence[str], first: Sequence[Pool], second: Sequence[Pool]) -> Cell:
    """Both answers for one budget."""
    seen = raced(budget, order, first)
    return Cell(
        budget=budget,
        order=order,
        raced=_best(budget, order, [pool.after[count - 1] for pool, count in zip(first, seen, strict=True)]),
        whole=_best(budget, order, [pool.after[-1] for pool in second]),
        launches=sum(seen),
    )


def raced(budget: Budget, order: Sequence[str], pools: Sequence[Pool]) -> list[int]:
    """After how many launches each candidate stops, as the referee of ``compare`` would have it."""
    race = Race(budget.limits, order)
    stopped: dict[int, int] = {}
    for count in range(1, len(pools[0].after) + 1):
        racers: list[Racer] = [
            race.enter(pool.after[stopped.get(number, count) - 1]) for number, pool in enumerate(pools)
        ]
        over = [number for number, one in enumerate(racers) if race.reason(one, racers) is not None]
        for number in over:
            stopped.setdefault(number, count)
    return [stopped.get(number, len(pool.after)) for number, pool in enumerate(pools)]


def _best(budget: Budget, order: Sequence[str], evidence: Sequence[Evidence]) -> Ranking | None:
    fitting = [one for one in evidence if fits(judge(one, budget.limits))]
    return rank(fitting, order) if fitting else None


def report_agreement(cells: Sequence[Cell], candidates: int) -> float:
    """Print how often the pick is the best, and every cell where it is not."""
    counts = Counter(cell.standing for cell in cells)
    good = sum(number for standing, number in counts.items() if standing not in ("different", "one finds nothing"))
    for cell in cells:
        if cell.standing in ("different", "one finds nothing"):
            names = [
                "nothing" if one is None else " ".join(map(str, _setup(one.winner))) for one in (cell.raced, cell.whole)
            ]
            print(f"  {cell.budget.name}, by {','.join(cell.order)}: picked {names[0]}; exhaustive: {names[1]}")
    mean = sum(cell.launches for cell in cells) / len(cells)
    print(
        f"the pick is the exhaustive best in {good} of {len(cells)} cells, {good / len(cells):.1%} "
        f"(bound {AGREEING:.0%}): "
        + ", ".join(f"{standing} {number}" for standing, number in counts.most_common())
        + f"; {mean:.0f} launches a cell instead of {LAUNCHES // 2 * candidates}",
        flush=True,
    )
    return good / len(cells)


def again(folder: Path, manifest: Manifest, cells: Sequence[Cell]) -> dict[Setup, dict[str, Middle]]:
    """The figures of every pick, measured in fresh processes that take turns."""
    picked = list(dict.fromkeys(_setup(cell.raced.winner) for cell in cells if cell.raced is not None))
    files = {one.id: one for one in manifest.artifacts}
    dataset = load(DATA)
    data = folder.parent / "test.npz"
    np.savez(data, x=dataset.x_test, y=dataset.y_test)
    told: dict[Setup, list[dict[str, float]]] = {setup: [] for setup in picked}
    for turn in range(AGAIN):
        for setup in picked[turn % len(picked) :] + picked[: turn % len(picked)]:
            told[setup].append(_process(folder / files[setup[0]].file, setup, data))
    return {setup: {name: middle([one[name] for one in runs]) for name in runs[0]} for setup, runs in told.items()}


def _process(file: Path, setup: Setup, data: Path) -> dict[str, float]:
    command = [sys.executable, str(SCRIPT), TARGETS[setup[1]], str(file), str(setup[2]), str(SAMPLES), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    found = json.loads(done.stdout)
    seconds = sorted(found["seconds"])
    return {
        "p50": seconds[math.ceil(0.5 * len(seconds)) - 1],
        "p99": seconds[math.ceil(0.99 * len(seconds)) - 1],
        "memory": float(found["added_bytes"]),
        "accuracy": found["accuracy"],
    }


def report_violations(cells: Sequence[Cell], figures: Mapping[Setup, Mapping[str, Middle]]) -> int:
    """Print what was measured again and how many picks break their budget by it; gives those wholly beyond a limit."""
    for setup, found in figures.items():
        print(
            f"  {_words(setup)}: p50 {_told(found['p50'], 1e6)} us, p99 {_told(found['p99'], 1e6)} us, "
            f"memory {_told(found['memory'], 2**-20)} MiB, accuracy {found['accuracy'].value:.3f}"
        )
    picks = [(cell.budget, _setup(cell.raced.winner)) for cell in cells if cell.raced is not None]
    beyond: Counter[str] = Counter()
    for budget, setup in picks:
        broken = {limit.name: _violation(limit, figures[setup][limit.name]) for limit in budget.limits}
        for name, how in broken.items():
            if how is not None:
                print(f"  {budget.name}: {_words(setup)}: {name} {figures[setup][name]}, {how}")
        beyond["value"] += any(how is not None for how in broken.values())
        beyond["wholly"] += "wholly" in broken.values()
    print(
        f"budget violations, measured again by {AGAIN} processes of a plain script: {beyond['wholly']} of {len(picks)} "
        f"picks wholly beyond a limit (goal 0), {beyond['value']} by the value alone",
        flush=True,
    )
    return beyond["wholly"]


def _words(setup: Setup) -> str:
    return f"{setup[0]} on {setup[1]}, {setup[2]} threads"


def _violation(limit: Limit, found: Middle) -> str | None:
    sign = 1.0 if limit.upper else -1.0
    if sign * found.value <= sign * limit.value:
        return None
    return "wholly" if sign * (found.low if limit.upper else found.high) > sign * limit.value else "value"


def _told(found: Middle, scale: float) -> str:
    return f"{found.value * scale:.1f} [{found.low * scale:.1f}, {found.high * scale:.1f}]"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else None))
