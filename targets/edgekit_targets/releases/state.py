"""What the store remembers beside its releases: ``accepted.json``, schema version 1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgekit_targets.errors import InputError
from edgekit_targets.records import dumps, loads, parse

SCHEMA_VERSION = 1
NAME = "accepted.json"


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A switch that is not final: ``release`` is, or is about to be, the current one.

    ``current`` and ``previous`` are what the links named before, null where there was none, and what they will name
    again if this switch is not confirmed. Without ``deadline_seconds`` whoever switches is still at it and holds the
    store's lock: without a holder it has died. With one, a confirmation is waited for until so many seconds after that
    start of the machine.
    """

    release: str
    counter: int
    current: str | None
    previous: str | None
    boot_id: str
    deadline_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """``accepted``: the highest counter of any release that was confirmed here; an older one is refused."""

    schema_version: int = SCHEMA_VERSION
    accepted: int = 0
    pending: Pending | None = None


def encode(state: State) -> bytes:
    """The file's content."""
    return (dumps(state, indent=1) + "\n").encode("utf-8")


def read(path: Path) -> State:
    """The state in a file; that of a new store where there is no file.

    Raises:
        InputError: the file cannot be read, or is none of ours.
    """
    try:
        state = parse(State, loads(path.read_text(encoding="utf-8"), str(path)), str(path))
    except FileNotFoundError:
        return State()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is damaged: it is not UTF-8 text; {_REMEDY}") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except InputError as error:
        raise InputError(f"{error}; {_REMEDY}") from error
    if state.schema_version != SCHEMA_VERSION:
        raise InputError(f"{path} has schema_version {state.schema_version}, not {SCHEMA_VERSION}; upgrade the agent")
    return state


_REMEDY = "remove it to begin anew with the counter of the current release"
