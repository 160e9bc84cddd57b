"""A budget and its one-line grammar: ``p99=20ms, memory=64MiB, accuracy=0.9``."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from edgekit.budget.keys import KEYS, find_key
from edgekit.budget.units import UnitError, format_quantity, parse_quantity
from edgekit_targets.errors import InputError
from edgekit_targets.types.verdict import Limit

_LIMIT = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(<=|>=|=)\s*(.+?)\s*")
# A figure and one that it is a part of, or below, by definition.
_NEVER_MORE = (("p50", "p99"), ("memory", "process_memory"))


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
        names = [known.name for known in KEYS]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
        raise InputError(f"{where}: unknown limit {name!r}; {hint}")
    if operator == ("<=" if not key.upper else ">="):
        raise InputError(f"{where}: {name} is {'an upper' if key.upper else 'a lower'} limit; write {name}={quantity}")
    try:
        return Limit(name=name, value=parse_quantity(quantity, key.dimension), upper=key.upper)
    except UnitError as error:
        raise InputError(f"{where}: {name}: {error}") from error


def checked(limits: list[Limit], where: str) -> tuple[Limit, ...]:
    """Refuse an empty budget, a key given twice, and limits of which one makes the other meaningless.

    Raises:
        InputError: naming the keys.
    """
    if not limits:
        raise InputError(f"{where} sets no limit; give at least one, e.g. p99=20ms")
    names = [limit.name for limit in limits]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{where}: {name} is given more than once; keep one")
    values = {limit.name: limit.value for limit in limits}
    for part, whole in _NEVER_MORE:
        if part in values and whole in values and values[part] > values[whole]:
            raise InputError(
                f"{where}: {part} can never be more than {whole}, so its looser limit decides nothing: the two "
                f"contradict each other; drop {part} or write a smaller one"
            )
    return tuple(limits)
