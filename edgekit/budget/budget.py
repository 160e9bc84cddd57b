"""A budget and its one-line grammar: ``p99=20ms, memory=64MiB, accuracy=0.9``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgekit.budget.keys import KEYS, find_key
from edgekit.budget.units import UnitError, format_quantity, parse_quantity
from edgekit_targets.errors import InputError
from edgekit_targets.toml import nearest
from edgekit_targets.types.verdict import Limit

_NEVER_ABOVE = (("p50", "p99"), ("memory", "process_memory"))
"""Pairs of figures of which the first is never above the second, so that its limit must not be either."""
_LIMIT = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(<=|>=|=)\s*(.+?)\s*")


@dataclass(frozen=True)
class Budget:
    """Limits an application sets, under the name it goes by (the text itself where it has none)."""

    name: str
    limits: tuple[Limit, ...]

    def __str__(self) -> str:
        return ", ".join(format_limit(limit) for limit in self.limits)


def format_limit(limit: Limit) -> str:
    """Write one limit so that the grammar gives it back exactly."""
    key = find_key(limit.name)
    assert key is not None, limit.name
    return f"{limit.name}{'<=' if limit.upper else '>='}{format_quantity(limit.value, key.dimension)}"


def parse_limits(text: str, where: str) -> tuple[Limit, ...]:
    """Read comma-separated limits; ``=`` means the direction the key has, ``<=`` and ``>=`` must agree with it.

    Raises:
        InputError: empty, unknown key, wrong unit, negative, wrong direction or a key given twice.
    """
    limits: list[Limit] = []
    for part in text.split(","):
        match = _LIMIT.fullmatch(part)
        if match is None:
            raise InputError(
                f'{where}: {part.strip()!r} is no limit; write e.g. "p99=20ms, memory=64MiB, accuracy=0.9"'
            )
        limits.append(parse_limit(match[1], match[3], match[2], where))
    return checked(limits, where)


def parse_limit(name: str, quantity: str, operator: str, where: str) -> Limit:
    """Read one limit.

    Raises:
        InputError: as :func:`parse_limits`.
    """
    key = find_key(name)
    if key is None:
        raise InputError(f"{where}: unknown limit {name!r}; {nearest(name, [known.name for known in KEYS])}")
    if operator == ("<=" if not key.upper else ">="):
        raise InputError(f"{where}: {name} is {'an upper' if key.upper else 'a lower'} limit; write {name}={quantity}")
    try:
        return Limit(name=name, value=parse_quantity(quantity, key.dimension), upper=key.upper)
    except UnitError as error:
        raise InputError(f"{where}: {name}: {error}") from error


def checked(limits: list[Limit], where: str) -> tuple[Limit, ...]:
    """Refuse an empty budget, a key given twice, and limits that contradict each other.

    Raises:
        InputError: naming the keys.
    """
    if not limits:
        raise InputError(f"{where} sets no limit; give at least one, e.g. p99=20ms")
    names = [limit.name for limit in limits]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{where}: {name} is given more than once; keep one")
    by_name = {limit.name: limit for limit in limits}
    for lower, upper in _NEVER_ABOVE:
        if lower in by_name and upper in by_name and by_name[lower].value > by_name[upper].value:
            raise InputError(
                f"{where}: {format_limit(by_name[lower])} contradicts {format_limit(by_name[upper])}: "
                f"{lower} is never above {upper}; lower the first or leave it out"
            )
    return tuple(limits)
