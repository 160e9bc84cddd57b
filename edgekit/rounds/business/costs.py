"""What a family costs: to train, to run a thousand times, to ship."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.profiling.comparisons import cpu_ratio
from edgekit.rounds import figures
from edgekit.rounds.business.learning import BASELINES, Learned
from edgekit.rounds.business.sets import OnSet
from edgekit.rounds.contract import TRANSFORMER, Aspect, Figure, Table
from edgekit.rounds.effort import Size
from edgekit.rounds.timing import best
from edgekit.rounds.words import figure_text
from edgekit.statistics.means import Mean
from edgekit.statistics.proportions import Estimate
from edgekit.statistics.seeds import mean_over_seeds
from edgekit.terminal.format import NOT_MEASURED, interval, joules, seconds, size
from edgekit_targets.types.manifest import REFERENCE_PAIR
from edgekit_targets.types.profile import Measurement

THOUSAND = 1000
_NO_ENERGY = "this machine does not tell energy"
_WRAPPED = "energy: not measured ("
"""How a measurement begins to say why."""


def training_figure(on: OnSet, one: Learned) -> Figure:
    """CPU seconds to train one model on all data."""
    what = f"CPU time to train {one.model.name} on {on.name}"
    known = _training(one)
    if known is None:
        return figures.missing(
            what, one.model.family, "seconds", "an older edgekit trained some of them and did not say"
        )
    return figures.measured(what, one.model.family, mean_over_seeds(known), "seconds", f"{len(known)} seeds", least=0.0)


def running_figure(on: OnSet, one: Learned) -> Figure:
    """CPU time of a thousand inferences of a window, in the family's fastest way to run."""
    what = f"CPU time of {THOUSAND} inferences of {one.model.name} on {on.name}"
    found = best(on.of(one), one.model.family, "window")
    if found is None or found.cpu_seconds_per_inference is None:
        return figures.missing(what, one.model.family, "seconds", "there is no valid measurement of it")
    cpu = Mean(
        found.cpu_seconds_per_inference, found.cpu_low_seconds_per_inference, found.cpu_high_seconds_per_inference
    )
    basis = f"{found.target}, {found.precision}, length {found.length}"
    return figures.measured(what, one.model.family, cpu, "seconds", basis, times=THOUSAND)


def energy_figure(on: OnSet, one: Learned) -> Figure:
    """Energy of a thousand inferences above idle, where the machine tells it."""
    what = f"energy of {THOUSAND} inferences of {one.model.name} on {on.name}"
    found = best(on.of(one), one.model.family, "window")
    if found is None or found.energy is None:
        return figures.missing(what, one.model.family, "joules", _why(found))
    used = found.energy
    return figures.measured(
        what,
        one.model.family,
        Mean(used.joules_per_inference, used.low, used.high),
        "joules",
        used.source,
        times=THOUSAND,
    )


def size_figure(on: OnSet, one: Learned) -> Figure:
    """Bytes to ship: the fp32 window file, which is exact."""
    what = f"file of {one.model.name} on {on.name}"
    found = on.bytes_of(one)
    if found is None:
        return figures.missing(what, one.model.family, "bytes", "it was not exported")
    return figures.exact(what, one.model.family, float(found), "bytes", "fp32 window file, exact")


def figures_of(sets: Sequence[OnSet]) -> list[Figure]:
    """Every cost of every model on all data."""
    return [
        figure(on, one)
        for on in sets
        for one in on.whole
        for figure in (training_figure, running_figure, energy_figure, size_figure)
    ]


def aspects(on: OnSet, largest: Size) -> list[Aspect]:
    """The costs of the closing table: those of the largest size on one set; times by their ratio, in pairs."""
    lstm, transformer = (
        next(one for one in on.whole if (one.model.family, one.model.size) == (family, largest))
        for family in REFERENCE_PAIR
    )
    where = f"{largest.name} on {on.name}"
    rows = []
    for name, figure, ratio in (
        ("CPU time to train", training_figure, _training_ratio(lstm, transformer)),
        (f"CPU time of {THOUSAND} inferences", running_figure, _running_ratio(on, lstm, transformer)),
        (f"energy of {THOUSAND} inferences", energy_figure, None),
        ("file to ship", size_figure, None),
    ):
        mine, theirs = figure(on, lstm), figure(on, transformer)
        note = f"{where}; {mine.basis}" if mine.basis else where
        if ratio is None:
            winner = figures.smaller(mine, theirs)
        else:
            winner = figures.ahead(ratio.low, ratio.high, even=1.0, more_is=TRANSFORMER)
            note += f"; lstm / transformer {figure_text(ratio)}"
        rows.append(
            Aspect(name=f"cost: {name}", lstm=mine, transformer=theirs, winner=winner, difference=ratio, note=note)
        )
    return rows


def table(sets: Sequence[OnSet]) -> Table:
    """What every model costs on all data, baselines included."""
    rows = []
    energies = False
    for on in sets:
        for one in on.whole:
            window, stream = (best(on.of(one), one.model.family, mode) for mode in ("window", "stream"))
            energy = energy_figure(on, one)
            energies = energies or energy.value is not None
            rows.append(
                (
                    f"{on.name}: {one.model.name}",
                    figure_text(training_figure(on, one)),
                    _p99(window),
                    "no stream form" if one.model.family in BASELINES else _p99(stream),
                    figure_text(running_figure(on, one)) if window else NOT_MEASURED,
                    size(size_figure(on, one).value),
                    interval(energy.value, energy.low, energy.high, joules),
                )
            )
    columns = (
        "set and model",
        "CPU time to train",
        "p99 window",
        "p99 stream step",
        f"CPU time of {THOUSAND} windows",
        "file",
        f"energy of {THOUSAND} windows",
    )
    shown = len(columns) if energies else len(columns) - 1
    return Table(
        title="Costs with all data: fp32 files, one thread, batch 1, each family in its fastest way to run"
        + ("" if energies else f"; energy was not measured, {_NO_ENERGY}"),
        columns=columns[:shown],
        rows=tuple(row[:shown] for row in rows),
    )


def _p99(one: Measurement | None) -> str:
    if one is None or one.latency is None:
        return NOT_MEASURED
    return interval(one.latency.p99_seconds, one.latency.p99_low_seconds, one.latency.p99_high_seconds, seconds)


def _training(one: Learned) -> list[float] | None:
    """CPU seconds of each seed; None where some are not known."""
    known = [each.cpu_seconds for each in one.trained if each.cpu_seconds is not None]
    return known if len(known) == len(one.trained) else None


def _training_ratio(lstm: Learned, transformer: Learned) -> Figure | None:
    """Seed by seed, on the logarithmic scale."""
    mine, theirs = _training(lstm), _training(transformer)
    if mine is None or theirs is None or min(*mine, *theirs) <= 0.0:
        return None
    logs = mean_over_seeds([math.log(one / other) for one, other in zip(mine, theirs, strict=True)])
    found = Estimate(*map(math.exp, (logs.value, logs.low, logs.high)))
    return figures.measured("CPU time to train, LSTM over Transformer", None, found, "ratio", f"{len(mine)} seeds")


def _running_ratio(on: OnSet, lstm: Learned, transformer: Learned) -> Figure | None:
    """In pairs of rounds, where one run measured both."""
    mine, theirs = (best(on.of(one), one.model.family, "window") for one in (lstm, transformer))
    if mine is None or theirs is None:
        return None
    found = cpu_ratio(mine, theirs)
    if found is None or found.low is None:
        return None
    what = "CPU time of an inference, LSTM over Transformer"
    return figures.measured(what, None, found, "ratio", f"{found.launches} launches")


def _why(found: Measurement | None) -> str:
    if found is None:
        return "there is no valid measurement of it"
    told = next((line for line in found.warnings if "energy" in line), _NO_ENERGY)
    return told.removeprefix(_WRAPPED).removesuffix(")") if told.startswith(_WRAPPED) else told
