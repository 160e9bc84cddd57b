"""The tables and plots of the business round."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.rounds.bundles import slug
from edgekit.rounds.business.comparing import equal, overtaking
from edgekit.rounds.business.learning import BASELINES, Learned
from edgekit.rounds.business.sets import OnSet
from edgekit.rounds.contract import Curve, Plot, Table
from edgekit.rounds.equal import COSTS, Cost
from edgekit.rounds.words import figure_text, share_text
from edgekit.terminal.format import NOT_MEASURED, percent


def curve_table(on: OnSet) -> Table:
    """Every model of one set over the fractions."""
    groups: dict[str, dict[float, Learned]] = {}
    for one in on.learned:
        groups.setdefault(one.model.name, {})[one.fraction] = one
    columns = [f"{percent(fraction)}: {on.at(fraction)[0].samples} samples" for fraction in on.fractions]
    return Table(
        title=f"{on.name}: accuracy on {on.learned[0].trained[0].test_samples} test samples over the training data",
        columns=("model", "parameters", *columns),
        rows=tuple(
            (
                name,
                f"{next(iter(own.values())).trained[0].parameters:,}",
                *(share_text(own[fraction].accuracy) for fraction in on.fractions),
            )
            for name, own in groups.items()
        ),
    )


def equal_table(sets: Sequence[OnSet]) -> Table:
    """A row for each set and cost, so that it can be read in a narrow terminal too."""
    rows: list[tuple[str, ...]] = []
    for on in sets:
        for cost in COSTS:
            one = equal(on, cost, on.fractions[-1])
            rows.append(
                (f"{on.name}: {cost}", *(NOT_MEASURED, "–", "–"))
                if one is None
                else (
                    f"{on.name}: {cost}",
                    figure_text(one.figure("", "")),
                    one.side(one.first),
                    one.side(one.second),
                )
            )
        base = [f"{one.model.name} {share_text(one.accuracy)}" for one in on.whole if one.model.family in BASELINES]
        rows.append((f"{on.name}: baselines, as they are", "–", *base))
    return Table(
        title="All data: the LSTM's accuracy minus the Transformer's, each within the same cost",
        columns=("set: equal", "difference", "lstm", "transformer"),
        rows=tuple(rows),
    )


def length_table(sets: Sequence[OnSet]) -> Table:
    """Models that were trained and asked on the first steps only."""
    rows = []
    shares = sorted({one.share for on in sets for one in on.shorter})
    for on in sets:
        for name in dict.fromkeys(one.model.name for one in on.shorter):
            own = {one.share: one for one in on.shorter if one.model.name == name}
            cells = [f"{own[share].steps} steps: {share_text(own[share].accuracy)}" for share in shares if share in own]
            rows.append((f"{on.name}: {name}", *cells))
    return Table(
        title="Sequence length against accuracy: trained and asked on the first steps only, in the largest size",
        columns=("set and model", *(f"the first {percent(share)}" if share < 1.0 else "all" for share in shares)),
        rows=tuple(rows),
    )


def curve_plot(on: OnSet, cost: Cost) -> Plot:
    """Accuracy over the training data: the families in the largest size, and the baselines."""
    last = [one.model.size.name for one in on.whole if one.model.family not in BASELINES][-1]
    curves = []
    for model in dict.fromkeys(one.model.name for one in on.learned):
        own = sorted((one for one in on.learned if one.model.name == model), key=lambda one: one.samples)
        base = own[0].model.family in BASELINES
        if base or own[0].model.size.name == last:
            curves.append(
                Curve(
                    name=model,
                    family=own[0].model.family,
                    x=tuple(float(one.samples) for one in own),
                    y=tuple(one.accuracy.value for one in own),
                    low=tuple(one.accuracy.low for one in own),
                    high=tuple(one.accuracy.high for one in own),
                    dashed=base,
                )
            )
    return Plot(
        key=f"business-{slug(on.name)}",
        title=f"Learning curves on {on.name}",
        caption=f"In size {last}, baselines dashed. At equal {cost}, {overtaking(on, cost)}.",
        x_label="training samples, validation included",
        y_label="test accuracy",
        curves=tuple(curves),
    )
