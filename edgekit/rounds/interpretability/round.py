"""Round 3, interpretability: whether what an explanation calls important is what the model's answer rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgekit.rounds import figures
from edgekit.rounds.context import Context
from edgekit.rounds.contract import LSTM, TRANSFORMER, Aspect, Family, Figure, Round
from edgekit.rounds.forecast import Stages, exporting, training
from edgekit.rounds.interpretability.faithful import FAMILIES
from edgekit.rounds.interpretability.sets import (
    OnSet,
    Scores,
    difference,
    explain_set,
    over_sets,
    score_alone,
    scores_of,
    sizes_of,
)
from edgekit.rounds.interpretability.shown import curve_plots, method_name, score_figure, scores_table
from edgekit.rounds.training import PRESET
from edgekit.rounds.words import figure_text

NAME = "interpretability"
TITLE = "Interpretability"
CLAIM = "attention shows what mattered"


def check(context: Context) -> None:
    """Refuse sets that do not exist.

    Raises:
        InputError: as :func:`edgekit_export.data.load`.
    """
    for data in context.effort.explained:
        context.load(data, 0)


def stages(context: Context) -> Stages:
    """What is done, and about how long it takes."""
    effort, sizes = context.effort, sizes_of(context)
    found: dict[str, float] = {}
    for data in effort.explained:
        dataset = context.load(data, 0)
        pair = sum(training(context, size, dataset.length, len(dataset.x_train)) for size in sizes)
        models = effort.seeds_explained * len(sizes)
        found |= {
            f"explain {data}: step sizes": len(effort.learning_rates) * pair,
            f"explain {data}: train": effort.seeds_explained * pair,
            f"explain {data}: export": exporting(context, 3 * models),
            # Each asks the file so often for every sample and segment that a file more is a good measure of it.
            f"explain {data}: hide and show": exporting(context, models * effort.explained_samples / 30),
        }
    return found


def play(context: Context) -> Round:
    """Train both families on text and on signals, explain them, and hold the explanations against the files.

    Decided by the faithfulness of each family's best method, chosen on the validation part and judged on the test part;
    the claim holds where attention is better than chance and not worse than occlusion on the same Transformer.

    Raises:
        InputError: a set that does not exist, or training that diverged.
    """
    sets = [explain_set(context, data) for data in context.effort.explained]
    basis = _basis(context)
    apart = {one.data: difference(one, (LSTM, one.best[LSTM]), (TRANSFORMER, one.best[TRANSFORMER])) for one in sets}
    against = {one.data: difference(one, (TRANSFORMER, one.looking), (TRANSFORMER, "occlusion")) for one in sets}
    where = f"{basis}; each data set counts the same: {', '.join(one.data for one in sets)}"
    deciding = _figure(
        "faithfulness, LSTM minus Transformer, each by its best method", None, over_sets([*apart.values()]), where
    )
    claim = _figure(
        "faithfulness on the Transformer, attention minus occlusion", TRANSFORMER, over_sets([*against.values()]), where
    )
    scores = {one.data: scores_of(one) for one in sets}
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
                score_figure(f"{each}: {method_name(method)}", family, found, basis)
                for each, own in scores.items()
                for (family, method), found in own.items()
            ],
        ),
        tables=(scores_table(sets, scores),),
        plots=tuple(plot for one in sets for plot in curve_plots(one, scores[one.data])),
        aspects=(_aspect(sets, basis, deciding, winner),),
        notes=(
            "The LSTM has no attention; occlusion asks nothing but the file and explains both alike.",
            "A score of 0 is what random orders have on average; the best method was chosen on the validation part.",
        ),
        settings={"samples": context.effort.explained_samples, "preset": PRESET},
    )


def _holds(sets: Sequence[OnSet], scores: Mapping[str, Scores], claim: Figure) -> bool | None:
    lows = [scores[one.data][TRANSFORMER, one.looking].low for one in sets]
    if not sets or claim.high is None or any(low is None for low in lows):
        return None
    return claim.high >= 0.0 and all(low is not None and low > 0.0 for low in lows)


def _sentence(sets: Sequence[OnSet], deciding: Figure, claim: Figure, winner: Family | None, holds: bool | None) -> str:
    if not sets:
        return "No data set was named whose models are to be explained."
    if deciding.value is None:
        return "Nothing could be told: hiding the whole input does not lower the probability of the answer everywhere."
    who: dict[Family | None, str] = {
        None: "Neither family's explanations are ahead",
        LSTM: "The LSTM is explained more faithfully",
        TRANSFORMER: "The Transformer is explained more faithfully",
    }
    methods = {method_name(one.best[TRANSFORMER]) for one in sets}
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


def _aspect(sets: Sequence[OnSet], basis: str, deciding: Figure, winner: Family | None) -> Aspect:
    """The mean over data sets, each counting the same."""
    own = {}
    for family in FAMILIES:
        found = over_sets([score_alone(one, family) for one in sets])
        own[family] = _figure("faithfulness by its best method", family, found, basis)
    methods = ", ".join(f"{method_name(one.best[TRANSFORMER])} on {one.data}" for one in sets)
    return Aspect(
        name="interpretability: faithfulness of explanations",
        lstm=own[LSTM],
        transformer=own[TRANSFORMER],
        winner=winner,
        difference=deciding,
        note=f"LSTM by occlusion; Transformer by {methods}",
    )


def _figure(what: str, family: str | None, found: figures.Bounded | None, basis: str) -> Figure:
    from edgekit.explaining.faithfulness import NOTHING

    if found is None:
        return figures.missing(what, family, "score", NOTHING)
    return figures.measured(what, family, found, "score", basis)


def _basis(context: Context) -> str:
    effort, names = context.effort, [size.name for size in sizes_of(context)]
    what = f"sizes {', '.join(names)}" if len(names) > 1 else f"size {names[0]} alone"
    return f"{effort.seeds_explained} seeds, {what}, up to {effort.explained_samples} test samples"
