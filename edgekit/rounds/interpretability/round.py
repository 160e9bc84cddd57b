"""Round 3, interpretability: whether what an explanation calls important is what the model's answer rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edgekit.rounds import figures
from edgekit.rounds.context import Context
from edgekit.rounds.contract import LSTM, TRANSFORMER, Aspect, Curve, Family, Figure, Plot, Round, Table
from edgekit.rounds.effort import Size
from edgekit.rounds.interpretability.faithful import FAMILIES, Explained, explained
from edgekit.rounds.training import PRESET, Job, train_all, trials, tune
from edgekit.rounds.words import figure_text
from edgekit_targets.bundle import read_manifest

if TYPE_CHECKING:
    from edgekit.explaining.contract import Faithfulness, Method
    from edgekit.explaining.faithfulness import Measured
    from edgekit.statistics.proportions import Difference

NAME = "interpretability"
TITLE = "Interpretability"
CLAIM = "attention shows what mattered"
_SCORE: Final = "faithfulness"
_ATTENTIVE: Final[tuple[Method, ...]] = ("attention", "rollout")
_MADE: Final = "text:"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Set:
    """One data set: every model of each family in the same order (sizes, then seeds), and what was chosen for each.

    ``best`` is the method of each family with the best mean score on the validation part, ``looking`` the better of
    the two ways to read attention, chosen likewise.
    """

    data: str
    models: Mapping[Family, Sequence[Explained]]
    accuracy: Mapping[Family, float]
    best: Mapping[Family, Method]
    looking: Method

    def measured(self, family: Family, method: Method, split: str = "test") -> list[Measured]:
        """The curves of one method in every model."""
        return [model[split, method] for model in self.models[family]]


def check(context: Context) -> None:
    """Refuse sets that do not exist.

    Raises:
        InputError: as :func:`edgekit_export.data.load`.
    """
    for data in context.effort.explained:
        context.load(data, 0)


def play(context: Context) -> Round:
    """Train both families on text and on signals, explain them, and hold the explanations against the files.

    Decided by the faithfulness of each family's best method, chosen on the validation part and judged on the test part;
    the claim holds where attention is better than chance and not worse than occlusion on the same Transformer.

    Raises:
        InputError: a set that does not exist, or training that diverged.
    """
    sets = [_explain(context, data) for data in context.effort.explained]
    basis = _basis(context)
    apart = {one.data: _difference(one, (LSTM, one.best[LSTM]), (TRANSFORMER, one.best[TRANSFORMER])) for one in sets}
    against = {one.data: _difference(one, (TRANSFORMER, one.looking), (TRANSFORMER, "occlusion")) for one in sets}
    known = [found for found in apart.values() if found is not None]
    looked = [found for found in against.values() if found is not None]
    where = f"{basis}; each data set counts the same: {', '.join(one.data for one in sets)}"
    deciding = _figure("faithfulness, LSTM minus Transformer, each by its best method", None, _pool(known, sets), where)
    claim = _figure(
        "faithfulness on the Transformer, attention minus occlusion", TRANSFORMER, _pool(looked, sets), where
    )
    scores = {one.data: _scores(one) for one in sets}
    winner = figures.ahead(deciding.low, deciding.high)
    holds = _holds(sets, scores, claim)
    return Round(
        name=NAME,
        title=TITLE,
        claim=CLAIM,
        winner=winner,
        tie=winner is None and deciding.value is not None,
        holds=holds,
        sentence=_sentence(sets, deciding, claim, winner, holds),
        deciding=deciding,
        evidence=(
            deciding,
            claim,
            *[_figure(f"{each}: LSTM minus Transformer", None, found, basis) for each, found in apart.items()],
            *[
                _figure(f"{each}: attention minus occlusion", TRANSFORMER, found, basis)
                for each, found in against.items()
            ],
            *[
                _score_figure(f"{each}: {_name(method)}", family, found, basis)
                for each, own in scores.items()
                for (family, method), found in own.items()
            ],
        ),
        tables=(_table(sets, scores),),
        plots=tuple(plot for one in sets for plot in _plots(one, scores[one.data])),
        aspects=(_aspect(sets, basis, deciding, winner),),
        notes=(
            "The LSTM has no attention; occlusion asks nothing but the file and explains both alike.",
            "A score of 0 is what random orders have on average; the best method was chosen on the validation part.",
        ),
        settings={"samples": context.effort.explained_samples, "preset": PRESET},
    )


def _explain(context: Context, data: str) -> _Set:
    """Train every size with every seed, equal trials of the step size for both, and explain each model."""
    dataset = context.load(data, 0)
    made = {"epochs": str(context.effort.epochs)} if data.startswith(_MADE) else {}
    slug = "".join(letter if letter.isalnum() else "-" for letter in data).strip("-")
    models: dict[Family, list[Explained]] = {family: [] for family in FAMILIES}
    right: dict[Family, list[float]] = {family: [] for family in FAMILIES}
    chosen = {size.name: {**size.settings, **made} for size in _sizes(context)}
    stage = f"explain {data}"
    tried = [job for each in chosen.values() for family in FAMILIES for job in trials(context, family, dataset, each)]
    train_all(context, tried, stage)
    for settings in chosen.values():
        for family in FAMILIES:
            settings |= tune(context, family, dataset, settings)
    split = {seed: context.load(data, seed) for seed in context.seeds}
    jobs = [
        Job(family=family, dataset=split[seed], settings=settings, seed=seed)
        for settings in chosen.values()
        for family in FAMILIES
        for seed in context.seeds
    ]
    train_all(context, jobs, stage)  # the export below finds the weights in the user's cache
    for size, settings in chosen.items():
        for seed in context.seeds:
            bundle = context.bundle(
                f"explain-{slug}-{size}-{seed}",
                models=FAMILIES,
                data=data,
                settings=settings,
                seed=seed,
                attention=True,
            )
            for family in FAMILIES:
                models[family].append(explained(context, bundle, family, context.effort.explained_samples))
                right[family] += [
                    one.accuracy.value
                    for one in read_manifest(bundle).artifacts
                    if one.family == family and one.accuracy is not None
                ]
    return _Set(
        data=data,
        models=models,
        accuracy={family: sum(each) / len(each) for family, each in right.items()},
        best={family: _best(each) for family, each in models.items()},
        looking=_best(models[TRANSFORMER], _ATTENTIVE),
    )


def _best(models: Sequence[Explained], among: Sequence[Method] = ()) -> Method:
    """The method with the best score on the validation part."""
    from edgekit.explaining.faithfulness import score

    known: list[Method] = [method for split, method in models[0] if split == "validation"]
    scored = {
        method: score(method, [model["validation", method] for model in models]).score
        for method in known
        if not among or method in among
    }
    return max(scored, key=lambda method: float("-inf") if scored[method] is None else float(scored[method] or 0.0))


def _difference(one: _Set, first: tuple[Family, Method], second: tuple[Family, Method]) -> Difference | None:
    """The first's score minus the second's: same samples, models in pairs."""
    from edgekit.explaining.faithfulness import values
    from edgekit.statistics.crossed import crossed
    from edgekit.statistics.proportions import Difference

    mine, theirs = values(one.measured(*first)), values(one.measured(*second))
    if mine is None or theirs is None:
        return None
    found = crossed(mine - theirs)
    assert found.low is not None
    assert found.high is not None
    return Difference(found.value, found.low, found.high, None)


def _pool(found: Sequence[Difference], sets: Sequence[_Set]) -> Difference | None:
    from edgekit.statistics.seeds import pooled

    return pooled(found) if found and len(found) == len(sets) else None


def _scores(one: _Set) -> dict[tuple[Family, Method], Faithfulness]:
    from edgekit.explaining.faithfulness import score

    found = {}
    for family in FAMILIES:
        for split, method in one.models[family][0]:
            if split == "test":
                found[family, method] = score(method, one.measured(family, method), one.measured(family, "occlusion"))
    return found


def _holds(
    sets: Sequence[_Set], scores: Mapping[str, Mapping[tuple[Family, Method], Faithfulness]], claim: Figure
) -> bool | None:
    lows = [scores[one.data][TRANSFORMER, one.looking].low for one in sets]
    if not sets or claim.high is None or any(low is None for low in lows):
        return None
    return claim.high >= 0.0 and all(low is not None and low > 0.0 for low in lows)


def _sentence(sets: Sequence[_Set], deciding: Figure, claim: Figure, winner: Family | None, holds: bool | None) -> str:
    if not sets:
        return "No data set was named whose models are to be explained."
    if deciding.value is None:
        return "Nothing could be told: hiding the whole input does not lower the probability of the answer everywhere."
    who: dict[Family | None, str] = {
        None: "Neither family's explanations are ahead",
        LSTM: "The LSTM is explained more faithfully",
        TRANSFORMER: "The Transformer is explained more faithfully",
    }
    methods = {_name(one.best[TRANSFORMER]) for one in sets}
    second = {
        True: "Attention shows what mattered no worse than occlusion does",
        False: "Attention shows less of what mattered than occlusion, which needs no attention",
        None: "What attention shows was not measured",
    }[holds]
    if holds is False and (claim.high is None or claim.high >= 0.0):
        second = "Attention is not surely better than a random order everywhere"
    return (
        f"{who[winner]} ({figure_text(deciding)} in score, LSTM minus Transformer; the Transformer's best method: "
        f"{' and '.join(sorted(methods))}). {second} ({figure_text(claim)}, attention minus occlusion)."
    )


def _table(sets: Sequence[_Set], scores: Mapping[str, Mapping[tuple[Family, Method], Faithfulness]]) -> Table:
    rows = []
    for one in sets:
        for (family, method), found in scores[one.data].items():
            chosen = " (its best)" if one.best[family] == method and family == TRANSFORMER else ""
            rows.append(
                (
                    one.data,
                    family,
                    f"{_name(method)}{chosen}",
                    figure_text(_score_figure("", family, found, "")),
                    f"{found.deletion:.3f}",
                    f"{found.insertion:.3f}",
                    f"{100.0 * one.accuracy[family]:.1f} %",
                )
            )
    return Table(
        title="Faithfulness of explanations, 95 % intervals over models and samples",
        columns=("data", "family", "method", "score", "deletion", "insertion", "accuracy"),
        rows=tuple(rows),
    )


def _plots(one: _Set, scores: Mapping[tuple[Family, Method], Faithfulness]) -> list[Plot]:
    slug = "".join(letter if letter.isalnum() else "-" for letter in one.data)
    both = [(family, scores[family, "occlusion"]) for family in FAMILIES]
    attentive = scores[TRANSFORMER, one.looking]
    return [
        _plot(f"occlusion-{slug}", f"Occlusion on {one.data}", both),
        _plot(f"looking-{slug}", f"{_name(one.looking).capitalize()} on {one.data}", [(TRANSFORMER, attentive)]),
    ]


def _plot(key: str, title: str, shown: Sequence[tuple[Family, Faithfulness]]) -> Plot:
    curves = []
    for family, found in shown:
        for which, curve in (("deletion", found.deletion_curve), ("insertion", found.insertion_curve)):
            curves.append(
                Curve(
                    name=f"{family}, {which}",
                    family=family,
                    x=curve.share,
                    y=curve.value,
                    low=curve.low,
                    high=curve.high,
                    dashed=which == "insertion",
                )
            )
    told = "; ".join(f"{family} {figure_text(_score_figure('', family, found, ''))}" for family, found in shown)
    return Plot(
        key=key,
        title=title,
        caption=f"Score: {told}. The further insertion lies above deletion, the better.",
        x_label="share of the steps hidden or shown",
        y_label="probability of the answer",
        curves=tuple(curves),
        x_log=False,
    )


def _aspect(sets: Sequence[_Set], basis: str, deciding: Figure, winner: Family | None) -> Aspect:
    """The mean over data sets, each counting the same."""
    own = {}
    for family in FAMILIES:
        found = [_alone(one, family) for one in sets]
        known = [each for each in found if each is not None]
        own[family] = _figure(f"{_SCORE} by its best method", family, _pool(known, sets), basis)
    methods = ", ".join(f"{_name(one.best[TRANSFORMER])} on {one.data}" for one in sets)
    return Aspect(
        name="interpretability: faithfulness of explanations",
        lstm=own[LSTM],
        transformer=own[TRANSFORMER],
        winner=winner,
        difference=deciding,
        note=f"LSTM by occlusion; Transformer by {methods}",
    )


def _alone(one: _Set, family: Family) -> Difference | None:
    """The score of a family's best method, as its difference from 0, that of a random order."""
    from edgekit.explaining.faithfulness import score
    from edgekit.statistics.proportions import Difference

    found = score(one.best[family], one.measured(family, one.best[family]))
    if found.score is None or found.low is None or found.high is None:
        return None
    return Difference(found.score, found.low, found.high, None)


def _figure(what: str, family: str | None, found: Difference | None, basis: str) -> Figure:
    from edgekit.explaining.faithfulness import NOTHING

    if found is None:
        return figures.missing(what, family, "score", NOTHING)
    return Figure(
        what=what, family=family, value=found.value, low=found.low, high=found.high, unit="score", basis=basis
    )


def _score_figure(what: str, family: str, found: Faithfulness, basis: str) -> Figure:
    return Figure(
        what=what,
        family=family,
        value=found.score,
        low=found.low,
        high=found.high,
        unit="score",
        basis=basis,
        reason=found.reason,
    )


def _name(method: Method) -> str:
    from edgekit.explaining.contract import METHODS

    return METHODS[method]


def _sizes(context: Context) -> Sequence[Size]:
    """In a quick run the largest alone: what takes the time here is not training but one export a model."""
    return context.effort.sizes[-1:] if context.effort.quick else context.effort.sizes


def _basis(context: Context) -> str:
    effort, names = context.effort, [size.name for size in _sizes(context)]
    what = f"sizes {', '.join(names)}" if len(names) > 1 else f"size {names[0]} alone"
    return f"{effort.seeds} seeds, {what}, up to {effort.explained_samples} test samples"
