"""An explanation in sentences."""

from __future__ import annotations

from edgekit.explaining.contract import METHODS, Attribution, Explanation, Faithfulness
from edgekit.terminal.format import NOT_MEASURED, interval, number, percent, plain


def answer_text(found: Explanation) -> str:
    """What the model answers, how surely, and whether that is right."""
    told = f"The answer is “{found.answer}”, with {percent(found.probability)}"
    if found.truth is None:
        return f"{told}."
    return f"{told}, which is right." if found.truth == found.answer else f"{told}; it is “{found.truth}”."


def step_name(label: str, labels: tuple[str, ...]) -> str:
    """How a sentence names a step: a word of a text by itself, one of a signal as ``step 7``."""
    return f"step {label}" if all(one.replace("-", "").isdecimal() for one in labels) else label


def attribution_text(found: Attribution, labels: tuple[str, ...]) -> str:
    """The step a method puts first."""
    value = max(found.values)
    label = step_name(labels[found.values.index(value)], labels)
    name = METHODS[found.method]
    if found.method == "occlusion":
        lost = number(100.0 * value)
        return f"{name[0].upper()}{name[1:]}: hiding {label} costs the most, {lost} points of probability."
    return f"{name[0].upper()}{name[1:]}: most comes from {label}, {percent(value)}."


def score_text(found: Faithfulness) -> str:
    """The score with its interval, or why there is none."""
    if found.score is None:
        return f"{NOT_MEASURED} ({found.reason})"
    return interval(found.score, found.low, found.high, plain)


def difference_text(found: Faithfulness) -> str:
    """The difference from occlusion; empty where there is none to tell."""
    return (
        ""
        if found.difference is None
        else interval(found.difference, found.difference_low, found.difference_high, plain)
    )


def standing(found: Faithfulness) -> str:
    """How a method stands to occlusion on the same samples, in a sentence; empty where that was not compared."""
    if found.difference is None or found.difference_low is None or found.difference_high is None:
        return ""
    name = METHODS[found.method]
    if found.difference_high < 0.0:
        how = "follows what the answer rests on less well than occlusion"
    elif found.difference_low > 0.0:
        how = "follows what the answer rests on better than occlusion"
    else:
        how = "cannot be told apart from occlusion"
    return f"{name[0].upper()}{name[1:]} {how}: {difference_text(found)} in score."
