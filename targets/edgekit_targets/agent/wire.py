"""Requests and replies to lines and back. What arrives is untrusted on both sides."""

from __future__ import annotations

from typing import Any

from edgekit_targets.agent.protocol import REPLIES, REQUESTS, Failed
from edgekit_targets.errors import AgentFailed, CheckFailed, EdgekitError, InputError
from edgekit_targets.records import dumps, loads, parse

NO_ID = 0
"""The id of the reply to a line whose own id could not be read; controllers count from 1."""

_DO = {kind: name for name, kind in REQUESTS.items()}
_REPLY = {kind: name for name, kind in REPLIES.items()}
_CRASH = 1


def write_request(number: int, request: Any) -> bytes:
    """One request as a line."""
    return _line({"id": number, "do": _DO[type(request)], "with": request})


def write_reply(number: int, reply: Any) -> bytes:
    """One reply as a line."""
    return _line({"id": number, "reply": _REPLY[type(reply)], "with": reply})


def read_request(line: bytes) -> tuple[int, Any]:
    """Read one request.

    Raises:
        InputError: not a request of this protocol; the message names what is wrong.
    """
    return _read(line, "request", "do", REQUESTS)


def read_reply(line: bytes) -> tuple[int, Any]:
    """Read one reply, a failure included.

    Raises:
        InputError: not a reply of this protocol.
    """
    return _read(line, "reply", "reply", REPLIES)


def peek_id(line: bytes) -> int:
    """The id of a line that could not be read otherwise, or :data:`NO_ID`."""
    try:
        data = loads(line.decode("utf-8"), "the line")
    except (UnicodeDecodeError, InputError):
        return NO_ID
    number = data.get("id") if isinstance(data, dict) else None
    return number if type(number) is int and number > 0 else NO_ID


def failure(error: EdgekitError) -> Failed:
    """What the other side is told about an error."""
    return Failed(message=str(error), exit_code=_CRASH if isinstance(error, AgentFailed) else error.exit_code)


def as_error(failed: Failed) -> EdgekitError:
    """The error a ``failed`` reply stands for."""
    kind = {InputError.exit_code: InputError, CheckFailed.exit_code: CheckFailed}.get(failed.exit_code, AgentFailed)
    return kind(" ".join(failed.message.split()))


def _line(envelope: dict[str, Any]) -> bytes:
    return dumps(envelope).encode("utf-8") + b"\n"


def _read(line: bytes, what: str, key: str, kinds: dict[str, type[Any]]) -> tuple[int, Any]:
    try:
        data = loads(line.decode("utf-8"), f"the {what}")
    except UnicodeDecodeError as error:
        raise InputError(f"the {what} is not UTF-8 text") from error
    if not isinstance(data, dict):
        raise InputError(f"the {what} must be a JSON object")
    number, name = data.get("id"), data.get(key)
    if type(number) is not int or number < NO_ID:
        raise InputError(f"the {what} has no id that is a whole number")
    if not isinstance(name, str) or name not in kinds:
        raise InputError(f'the {what} must have "{key}" as one of: {", ".join(kinds)}')
    return number, parse(kinds[name], data.get("with", {}), f"{what} {name}")
