"""Round 5, future-proofing and the edge: which families fit, on every device that was measured, in every budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.budget.budget import Budget
from edgekit.decision.figures import Evidence
from edgekit.decision.figures import Figure as Bounded
from edgekit.decision.judge import constraint, worst
from edgekit.decision.weigh import weigh
from edgekit.profiling.store import read_profiles
from edgekit.rounds import figures
from edgekit.rounds.bundles import bundles
from edgekit.rounds.business.learning import BASELINES, Learned, check_sets, learn, models, wanted_of
from edgekit.rounds.context import Context
from edgekit.rounds.contract import LSTM, Aspect, Family, Figure, Round, Table
from edgekit.rounds.forecast import Stages
from edgekit.rounds.timing import measure
from edgekit.rounds.words import figure_text
from edgekit.statistics.proportions import Difference, Estimate
from edgekit.statistics.seeds import mean_over_seeds, wilson
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.types.manifest import MODES, REFERENCE_PAIR, Mode
from edgekit_targets.types.profile import Device
from edgekit_targets.types.verdict import Candidate, Status

NAME = "edge"
TITLE = "Future-proofing and the edge"
CLAIM = "LSTM for low-latency devices"
_BEST_FIRST: tuple[Status, ...] = ("pass", "undecided", "unmeasured", "fail")
_NOT_TOLD: tuple[Status, ...] = ("undecided", "unmeasured")
_OPEN = "nothing was measured well enough to say of any place whether it fits"


@dataclass(frozen=True)
class Place:
    """Where families are asked to fit."""

    device: str
    data: str
    budget: str
    mode: Mode


Fits = dict[tuple[Place, str], list[Status]]
"""By place and family, one status a seed."""


def check(context: Context) -> None:
    """Refuse sets that cannot be used.

    Raises:
        InputError: as :func:`edgekit.rounds.business.learning.check_sets`.
    """
    check_sets(context)


def stages(context: Context) -> Stages:
    """It asks what the round before it has measured."""
    return {}


def play(context: Context) -> Round:
    """Hold every family against every budget on every device that the sets' bundles were measured on.

    A family fits where one of its sizes meets every limit; accuracy is that of each seed, the other figures are those
    of the file. The claim holds where the LSTM fits more often, over seeds.

    Raises:
        InputError: a set with too few samples for its classes.
    """
    found: Fits = {}
    machines: dict[str, Device] = {}
    for data in context.effort.data:
        _on_set(context, data, found, machines)
    places = list(dict.fromkeys(place for place, _ in found))
    basis = f"{len(places)} places (device, set, budget, mode), {context.effort.seeds_learning} seeds"
    shares = {
        family: _share(f"share of places where it fits, {family}", found, places, family, basis)
        for family in REFERENCE_PAIR
    }
    deciding = _difference(found, places, basis)
    winner = figures.ahead(deciding.low, deciding.high)
    told = deciding.value is not None
    blank = _unmeasured(context, machines)
    aspects = [_aspect(found, places, basis, winner, deciding, None)]
    aspects += [_aspect(found, places, basis, None, None, mode) for mode in MODES]
    return Round(
        name=NAME,
        title=TITLE,
        claim=CLAIM,
        winner=winner,
        tie=told and winner is None,
        holds=winner == LSTM if told else None,
        sentence=_sentence(found, places, shares, deciding, blank),
        deciding=deciding,
        evidence=(
            deciding,
            *shares.values(),
            *[
                _share(
                    f"fits in {place.budget} on {_name(place)}, {place.mode}",
                    found,
                    [place],
                    family,
                    f"{context.effort.seeds_learning} seeds",
                )
                for place in places
                for family in REFERENCE_PAIR
            ],
        ),
        tables=(_table(context, found, places, blank),),
        aspects=tuple(aspects),
        notes=(
            *(f"{budget.name}: {budget}." for budget in context.budgets),
            *(f"{device.name}: {device.hardware}." for device in machines.values()),
            "Limits are met only by the unfavourable end of an interval; accuracy is that of each seed on the test "
            "part.",
            "Measure another device with --device NAME and the same --out and --force, and it stands here too.",
        ),
        settings={budget.name: str(budget) for budget in context.budgets},
    )


def _on_set(context: Context, data: str, found: Fits, machines: dict[str, Device]) -> None:
    every = models(context, data)
    sizes = context.effort.sizes
    folders = bundles(context, [wanted_of(context, every, size) for size in sizes], f"{data}: export")
    for size, bundle in zip(sizes, folders, strict=True):
        if not read_profiles(bundle):  # the round before measured it, unless it was left out
            measure(context, bundle)
        sized = [one for one in every if one.size is size or one.family in BASELINES]
        learned = {one.family: trained for one in sized if (trained := learn(context, one, 1.0)) is not None}
        devices = {profile.device.fingerprint: profile.device for _, profile in read_profiles(bundle)}
        machines.update(devices)
        for fingerprint, device in devices.items():
            for budget in context.budgets:
                for mode in MODES:
                    place = Place(device.name, data, budget.name, mode)
                    for family, statuses in _statuses(context, bundle, fingerprint, budget, mode, learned).items():
                        known = found.setdefault((place, family), ["fail"] * context.effort.seeds_learning)
                        found[place, family] = [_best((*pair,)) for pair in zip(known, statuses, strict=True)]


def _statuses(
    context: Context, bundle: Path, fingerprint: str, budget: Budget, mode: Mode, learned: dict[str, Learned]
) -> dict[str, list[Status]]:
    """The status of the best candidate of each family, seed by seed."""
    try:
        judged = weigh(bundle, budget, device=fingerprint, modes=(mode,)).judged
    except (InputError, Undecided):
        return {family: ["unmeasured"] * context.effort.seeds_learning for family in learned}
    found: dict[str, list[Status]] = {}
    for family, one in learned.items():
        own = [item for item in judged if item[0].artifact.family == family]
        if own:
            found[family] = [
                _best(tuple(_of_seed(item, budget, one, seed) for item in own)) for seed in range(len(one.trained))
            ]
    return found


def _of_seed(item: tuple[Evidence, Candidate], budget: Budget, learned: Learned, seed: int) -> Status:
    """The file's own figures, with the accuracy of ``seed``."""
    _, candidate = item
    if not candidate.valid:
        return "unmeasured"
    right = learned.trained[seed].right_test
    accuracy = wilson(float(right.mean()), right.size)
    statuses = [one.status for one in candidate.constraints if one.name != "accuracy"]
    statuses += [
        constraint(limit, Bounded(accuracy.value, accuracy.low, accuracy.high, samples=right.size)).status
        for limit in budget.limits
        if limit.name == "accuracy"
    ]
    return worst(statuses)


def _best(statuses: Sequence[Status]) -> Status:
    return min(statuses, key=_BEST_FIRST.index)


def _name(place: Place) -> str:
    return f"{place.device}, {place.data.rpartition(':')[2]}"


def _share(what: str, found: Fits, places: Sequence[Place], family: str, basis: str) -> Figure:
    """Of places where it fits, over seeds; what is not told yet could go either way and widens the interval."""
    own = [found[place, family] for place in places if (place, family) in found]
    if not _told(own):
        return figures.missing(what, family, "share", _OPEN)
    seeds = list(zip(*own, strict=True))
    mean = _over_seeds([sum(status == "pass" for status in seed) / len(seed) for seed in seeds], len(own))
    open_ = sum(status in _NOT_TOLD for seed in seeds for status in seed) / (len(seeds) * len(own))
    return figures.share(what, family, Estimate(mean.value, max(0.0, mean.low), min(1.0, mean.high + open_)), basis)


def _told(statuses: Sequence[Sequence[Status]]) -> bool:
    """Whether there is anything but what could still go either way."""
    return any(one not in _NOT_TOLD for each in statuses for one in each)


def _difference(found: Fits, places: Sequence[Place], basis: str) -> Figure:
    """The LSTM's share of places minus the Transformer's, seed by seed."""
    both = [place for place in places if all((place, family) in found for family in REFERENCE_PAIR)]
    what = "share of places that the LSTM fits minus that of the Transformer"
    lstm, transformer = ([found[place, family] for place in both] for family in REFERENCE_PAIR)
    if not _told([*lstm, *transformer]):
        return figures.missing(what, None, "difference", _OPEN)
    seeds = len(lstm[0])
    values = [
        sum((mine[seed] == "pass") - (theirs[seed] == "pass") for mine, theirs in zip(lstm, transformer, strict=True))
        / len(both)
        for seed in range(seeds)
    ]
    mean = _over_seeds(values, len(both))
    total = seeds * len(both)
    # Each that is not told may yet fit: the LSTM's raise the upper end, the Transformer's lower the other.
    up, down = (sum(one in _NOT_TOLD for own in side for one in own) / total for side in (lstm, transformer))
    low, high = max(-1.0, mean.low - down), min(1.0, mean.high + up)
    return figures.difference(what, Difference(mean.value, low, high, None), basis)


def _over_seeds(values: Sequence[float], places: int) -> Estimate:
    """The mean over seeds; seeds that agree in everything are given the scatter of one that differs in one place.

    What fits is a matter of yes and no: a few seeds may well agree by chance, and Student's interval would be a point.
    """
    mean = mean_over_seeds(values)
    least = mean_over_seeds([1.0 / places, *[0.0] * (len(values) - 1)])
    half = max(mean.high - mean.value, least.high - least.value)
    return Estimate(mean.value, mean.value - half, mean.value + half)


def _unmeasured(context: Context, machines: dict[str, Device]) -> list[str]:
    """Devices of the team and of the catalogue that nothing was measured on."""
    from edgekit_targets.catalogue.load import entries
    from edgekit_targets.catalogue.match import match

    known = {entry.name for device in machines.values() if (entry := match(device)) is not None}
    measured = {device.name for device in machines.values()}
    return [name for name in context.devices if name not in measured] + [
        entry.name for entry in entries() if entry.name not in known
    ]


def _table(context: Context, found: Fits, places: Sequence[Place], blank: Sequence[str]) -> Table:
    families = (*REFERENCE_PAIR, *BASELINES)
    rows = []
    for device in dict.fromkeys(place.device for place in places):
        for budget in context.budgets:
            for mode in MODES:
                own = [
                    place for place in places if (place.device, place.budget, place.mode) == (device, budget.name, mode)
                ]
                cells = [_cell(found, own, family) for family in families]
                rows.append((f"{device}: {budget.name}, {mode}", *cells))
    rows += [(f"{name}: not measured", *[""] * len(families)) for name in blank]
    return Table(
        title="Which families fit: how many of (set, seed), any size",
        columns=("device: budget, mode", *families),
        rows=tuple(rows),
    )


def _cell(found: Fits, places: Sequence[Place], family: str) -> str:
    statuses = [status for place in places for status in found.get((place, family), [])]
    if not statuses:
        return "no such form"
    counts = {status: statuses.count(status) for status in _BEST_FIRST}
    more = "".join(f", {counts[status]} {status}" for status in _NOT_TOLD if counts[status])
    return f"{counts['pass']} of {len(statuses)}{more}"


def _aspect(
    found: Fits,
    places: Sequence[Place],
    basis: str,
    winner: Family | None,
    deciding: Figure | None,
    mode: Mode | None,
) -> Aspect:
    own = [place for place in places if mode is None or place.mode == mode]
    if mode is not None:
        deciding = _difference(found, own, basis)
        winner = figures.ahead(deciding.low, deciding.high)
    name = "best for: places (device, set, budget) where it fits" + ("" if mode is None else f", {mode}")
    lstm, transformer = (_share(name, found, own, family, basis) for family in REFERENCE_PAIR)
    return Aspect(
        name=name,
        lstm=lstm,
        transformer=transformer,
        winner=winner,
        difference=deciding,
        note=None if deciding is None or deciding.value is None else f"difference {figure_text(deciding)}",
    )


def _sentence(
    found: Fits, places: Sequence[Place], shares: dict[str, Figure], deciding: Figure, blank: Sequence[str]
) -> str:
    devices = list(dict.fromkeys(place.device for place in places))
    rest = f"{len(blank)} devices were not measured and are left blank."
    if deciding.value is None:
        return f"Whether a family fits was not told anywhere. {rest}"
    lstm, transformer = (figure_text(shares[family]) for family in REFERENCE_PAIR)
    return (
        f"Of {len(places)} places (device, set, budget, mode) on {', '.join(devices)}, the LSTM meets every limit in "
        f"{lstm}, the Transformer in {transformer}; the difference is {figure_text(deciding)}. {rest}"
    )
