"""What a family costs: to train, to run a thousand times, to ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.rounds import figures
from edgekit.rounds.business.learning import BASELINES, Learned
from edgekit.rounds.contract import Aspect, Family, Figure, Table
from edgekit.rounds.effort import Size
from edgekit.rounds.timing import best
from edgekit.rounds.words import figure_text
from edgekit.statistics.seeds import mean_over_seeds
from edgekit.terminal.format import NOT_MEASURED, interval, joules, seconds, size
from edgekit_targets.bundle import read_manifest
from edgekit_targets.types.manifest import REFERENCE_PAIR
from edgekit_targets.types.profile import Measurement

if TYPE_CHECKING:
    from edgekit.rounds.business.round import OnSet

THOUSAND = 1000


def file_sizes(bundle: Path) -> Mapping[str, int]:
    """Bytes of each family's fp32 window file."""
    return {
        one.family: one.size_bytes
        for one in read_manifest(bundle).artifacts
        if one.mode == "window" and one.precision == "fp32" and one.variant == "plain"
    }


def training_figure(on: OnSet, one: Learned) -> Figure:
    """CPU seconds to train one model on all data."""
    what = f"CPU time to train {one.model.name} on {on.name}"
    known = [each.cpu_seconds for each in one.trained if each.cpu_seconds is not None]
    if len(known) < len(one.trained):
        return figures.missing(
            what, one.model.family, "seconds", "an older edgekit trained some of them and did not say"
        )
    found = mean_over_seeds(known)
    return Figure(
        what=what,
        family=one.model.family,
        value=found.value,
        low=max(0.0, found.low),
        high=found.high,
        unit="seconds",
        basis=f"{len(known)} seeds",
    )


def running_figure(on: OnSet, one: Learned) -> Figure:
    """CPU time of a thousand inferences of a window, in the family's fastest way to run."""
    what = f"CPU time of {THOUSAND} inferences of {one.model.name} on {on.name}"
    found = best(on.of(one), one.model.family, "window")
    if found is None or found.cpu_seconds_per_inference is None:
        return figures.missing(what, one.model.family, "seconds", "no valid measurement; the machine was busy")
    low, high = found.cpu_low_seconds_per_inference, found.cpu_high_seconds_per_inference
    return Figure(
        what=what,
        family=one.model.family,
        value=THOUSAND * found.cpu_seconds_per_inference,
        low=None if low is None else THOUSAND * low,
        high=None if high is None else THOUSAND * high,
        unit="seconds",
        basis=f"{found.target}, {found.precision}, length {found.length}",
    )


def energy_figure(on: OnSet, one: Learned) -> Figure:
    """Energy of a thousand inferences above idle, where the machine tells it."""
    what = f"energy of {THOUSAND} inferences of {one.model.name} on {on.name}"
    found = best(on.of(one), one.model.family, "window")
    if found is None or found.energy is None:
        return figures.missing(what, one.model.family, "joules", _why(found))
    used = found.energy
    return Figure(
        what=what,
        family=one.model.family,
        value=THOUSAND * used.joules_per_inference,
        low=None if used.low is None else THOUSAND * used.low,
        high=None if used.high is None else THOUSAND * used.high,
        unit="joules",
        basis=used.source,
    )


def size_figure(on: OnSet, one: Learned) -> Figure:
    """Bytes to ship: the fp32 window file, which is exact."""
    what = f"file of {one.model.name} on {on.name}"
    name = one.model.size.name
    found = next((on.sizes_bytes[key] for key in on.sizes_bytes if _is(key, one.model.family, name)), None)
    if found is None:
        return figures.missing(what, one.model.family, "bytes", "it was not exported")
    return Figure(
        what=what,
        family=one.model.family,
        value=float(found),
        low=float(found),
        high=float(found),
        unit="bytes",
        basis="fp32 window file, exact",
    )


def figures_of(sets: Sequence[OnSet], largest: Size) -> list[Figure]:
    """Every cost of every model on all data, the largest size of the first set first."""
    found = [
        figure(on, one)
        for on in sets
        for one in on.at(on.fractions[-1])
        for figure in (training_figure, running_figure, energy_figure, size_figure)
    ]
    name = f"{largest.name} on {sets[0].name}"
    return sorted(found, key=lambda one: not one.what.endswith(name))


def aspects(found: Sequence[Figure]) -> list[Aspect]:
    """The costs of the closing table: those of the largest size on the first set, which lead ``found``."""
    rows = []
    for start, name in (
        ("CPU time to train", "cost: CPU time to train"),
        ("CPU time of", f"cost: CPU time of {THOUSAND} inferences"),
        ("energy of", f"cost: energy of {THOUSAND} inferences"),
        ("file of", "cost: file to ship"),
    ):
        own = {
            family: next(one for one in found if one.family == family and one.what.startswith(start))
            for family in REFERENCE_PAIR
        }
        lstm, transformer = own["lstm"], own["transformer"]
        rows.append(
            Aspect(
                name=name,
                lstm=lstm,
                transformer=transformer,
                winner=_cheaper(lstm, transformer),
                note=f"{lstm.what.partition(' lstm ')[2]}; {lstm.basis}" if lstm.basis else None,
            )
        )
    return rows


def table(sets: Sequence[OnSet]) -> Table:
    """What every model costs on all data, baselines included."""
    rows = []
    for on in sets:
        for one in on.at(on.fractions[-1]):
            window, stream = (best(on.of(one), one.model.family, mode) for mode in ("window", "stream"))
            rows.append(
                (
                    f"{on.name}: {one.model.name}",
                    figure_text(training_figure(on, one)),
                    _p99(window),
                    "no stream form" if one.model.family in BASELINES else _p99(stream),
                    figure_text(running_figure(on, one)) if window else NOT_MEASURED,
                    _energy(energy_figure(on, one)),
                    size(size_figure(on, one).value),
                )
            )
    return Table(
        title="Costs with all data: fp32 files, one thread, batch 1, each family in its fastest way to run",
        columns=(
            "set and model",
            "CPU time to train",
            "p99 window",
            "p99 stream step",
            f"CPU time of {THOUSAND} windows",
            f"energy of {THOUSAND} windows",
            "file",
        ),
        rows=tuple(rows),
    )


def _p99(one: Measurement | None) -> str:
    if one is None or one.latency is None:
        return NOT_MEASURED
    return interval(one.latency.p99_seconds, one.latency.p99_low_seconds, one.latency.p99_high_seconds, seconds)


def _energy(figure: Figure) -> str:
    return interval(figure.value, figure.low, figure.high, joules)


def _cheaper(lstm: Figure, transformer: Figure) -> Family | None:
    """Whose interval lies wholly below the other's."""
    if None in (lstm.low, lstm.high, transformer.low, transformer.high):
        return None
    assert lstm.low is not None and lstm.high is not None  # noqa: PT018
    assert transformer.low is not None and transformer.high is not None  # noqa: PT018
    if lstm.high < transformer.low:
        return "lstm"
    return "transformer" if transformer.high < lstm.low else None


def _why(found: Measurement | None) -> str:
    if found is None:
        return "no valid measurement; the machine was busy"
    told = next((line for line in found.warnings if "energy" in line), None)
    return told or "this machine does not tell energy"


def _is(key: tuple[str, str], family: str, size_name: str) -> bool:
    return key[0] == family and (key[1] == size_name or family in BASELINES)
