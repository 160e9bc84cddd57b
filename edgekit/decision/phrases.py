"""How one limit of a candidate reads: inside it, broken, or still open."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.budget.keys import find_key
from edgekit.decision.judge import SAMPLE_BOUND, margin, ratio
from edgekit.decision.words import listed, metric_name
from edgekit.terminal.format import figure, formatter_for, limit, number
from edgekit_targets.types.verdict import Candidate, Constraint, Limit


def within(found: Constraint) -> str:
    """``p99 412 us of 20 ms``, ``accuracy 97.6 % where 90 % is asked``."""
    return f"{found.name} {formatter_for(found.name)(found.value)} {_against(found)}"


def breaking(found: Constraint) -> str:
    """``memory 45.1 MiB [44.9, 45.2] of 32 MiB: fail``, with the note where there is one."""
    note = f" ({found.note})" if found.note else ""
    return f"{_figure(found)} {_against(found)}: {found.status}{note}"


def missing(found: Constraint) -> str:
    """What stands in the way of a candidate, by how much, and what would settle it, as part of a sentence.

    ``p99 30.0 ms [28.5, 31.5] of 20 ms, 1.50 times the limit``; ``no memory figure for the limit of 8 MiB (...)``.
    """
    note = "" if found.note is None else f"; {found.note}" if found.status == "undecided" else f" ({found.note})"
    if found.value is None and found.status == "fail":
        return f"{found.name} above {formatter_for(found.name)(found.low)} {_against(found)}{note}"
    if found.value is None:
        return f"no {metric_name(found.name)} figure for the limit of {_limit(found)}{note}"
    return f"{_figure(found)} {_against(found)}{by_how_much(found)}{note}"


def by_how_much(found: Constraint) -> str:
    """``, 1.25 times the limit``, ``, 3.2 points short``; nothing where it is not certain that the limit is broken."""
    if found.status != "fail" or found.value is None or straddles(found):
        return ""
    if is_lower(found) and found.name in SAMPLE_BOUND:
        return f", {number((found.limit - found.value) * 100, digits=2)} points short"
    times = ratio(found)
    if times is None or math.isinf(times):
        return ""
    return f", {number(times)} times the limit" if number(times) != "1.00" else ", just beyond the limit"


def losing(broken: Sequence[Constraint]) -> str:
    """``needs 11.0 MiB of memory where 8 MiB is allowed``: how broken limits, the worst first, end a sentence."""
    return _losing(broken[0]) + too(broken[1:])


def too(broken: Sequence[Constraint]) -> str:
    """``, and fails memory too``; nothing where nothing else is broken."""
    return f", and fails {listed([metric_name(found.name) for found in broken])} too" if broken else ""


def _losing(found: Constraint) -> str:
    name, value, bound = metric_name(found.name), formatter_for(found.name)(found.value), _limit(found)
    if straddles(found):
        verb = "reach" if is_lower(found) else "keep to"
        return f"is not sure to {verb} {name} {bound}: {_bare(found)} ({found.note})"
    if is_lower(found):
        return f"reaches {name} {value} where {bound} is asked"
    if found.name in ("memory", "process_memory"):
        return f"needs {value} of {name} where {bound} is allowed"
    article = "an" if name[0] in "aeiou" else "a"
    return f"has {article} {name} of {value} where {bound} is allowed"


def straddles(found: Constraint) -> bool:
    """Whether it fails only because too few samples leave the limit inside its interval."""
    return found.status == "fail" and found.name in SAMPLE_BOUND and found.note is not None


def tightest_first(candidate: Candidate) -> list[Constraint]:
    """The limits in order of the room they leave; unmeasured ones first."""
    return sorted(candidate.constraints, key=lambda found: -1e9 if found.value is None else _room(found))


def is_lower(found: Constraint) -> bool:
    """Whether the limit is one from below, as that of an accuracy."""
    key = find_key(found.name)
    return key is not None and not key.upper


def _limit(found: Constraint) -> str:
    return limit(found.name, found.limit)


def _figure(found: Constraint) -> str:
    return f"{found.name} {_bare(found)}"


def _bare(found: Constraint) -> str:
    return figure(found.name, found.value, found.low, found.high)


def _against(found: Constraint) -> str:
    text = _limit(found)
    return f"where {text} is asked" if is_lower(found) else f"of {text}"


def _room(found: Constraint) -> float:
    return margin(Limit(name=found.name, value=found.limit, upper=not is_lower(found)), found.value or 0.0)
