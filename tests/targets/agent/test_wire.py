from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.agent import wire
from edgekit_targets.agent.protocol import (
    REPLIES,
    REQUESTS,
    Close,
    Closed,
    EnergyUsed,
    Enforce,
    Evaluate,
    Evaluated,
    Failed,
    Hello,
    Idle,
    Idled,
    Open,
    Ran,
    Run,
)
from edgekit_targets.errors import AgentFailed, CheckFailed, EdgekitError, InputError, MissingExtra
from edgekit_targets.types.profile import Enforced

OPEN = Open(handle="a", file="ü.onnx", sha256="0", target="cpu", inputs={"x": (1, 25, 12), "scalar": ()})
RUN = Run(handle="a", samples=1, max_seconds=1.0, warmup_seconds=0.0)
RAN = Ran(handle="a", seconds=(0.1, 1e-9), cpu_seconds=None, wall_seconds=1.0, warmup_runs=1, steady_bytes=None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "request_",
    [
        Hello(),
        OPEN,
        RUN,
        Evaluate(handle="a", inputs="i", outputs="o"),
        Idle(target="cpu", seconds=1.0),
        Enforce(model=OPEN, run=RUN, limit_bytes=1 << 20),
        Close(handle="a"),
    ],
)
def test_requests_go_round(request_: Any) -> None:
    line = wire.write_request(7, request_)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert wire.read_request(line) == (7, request_)


@pytest.mark.parametrize(
    "reply",
    [
        RAN,
        Closed(handle="a"),
        Evaluated(handle="a", samples=1),
        Failed(message="no\nluck", exit_code=2),
        Idled(energy=EnergyUsed(joules=1.5, seconds=1.0, source="measured: x"), window_seconds=0.5),
        Enforced(limit_bytes=1, lived=None, oom_kills=None, reason="why"),
    ],
)
def test_replies_go_round(reply: Any) -> None:
    assert wire.read_reply(wire.write_reply(7, reply)) == (7, reply)


def test_the_lines_are_those_of_the_documentation() -> None:
    assert json.loads(wire.write_request(7, Close(handle="a"))) == {"id": 7, "do": "close", "with": {"handle": "a"}}
    assert json.loads(wire.write_reply(7, Closed(handle="a"))) == {"id": 7, "reply": "closed", "with": {"handle": "a"}}
    assert wire.read_request(b'{"id": 1, "do": "hello"}') == (1, Hello())


def test_every_word_of_the_protocol_is_covered() -> None:
    assert set(REQUESTS) == {"hello", "open", "run", "evaluate", "idle", "enforce", "close"}
    assert set(REPLIES) == {"welcome", "opened", "ran", "evaluated", "idled", "enforced", "closed", "failed"}


@given(st.binary())
def test_garbage_is_refused(line: bytes) -> None:
    for read in (wire.read_request, wire.read_reply):
        with pytest.raises(InputError):
            read(line)
    assert wire.peek_id(line) == wire.NO_ID


@given(JSON | st.fixed_dictionaries({}, optional={"id": JSON, "do": st.sampled_from(list(REQUESTS)), "with": JSON}))
def test_json_that_is_no_request_never_breaks(data: Any) -> None:
    line = json.dumps(data).encode()
    with contextlib.suppress(InputError):
        number, request = wire.read_request(line)
        assert number >= 0
        assert isinstance(request, tuple(REQUESTS.values()))
    assert wire.peek_id(line) >= 0


@given(st.data())
def test_a_damaged_request_never_breaks(data: st.DataObject) -> None:
    line = bytearray(wire.write_request(7, OPEN))
    for _ in range(data.draw(st.integers(1, 3))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        assert wire.read_request(bytes(line))[0] >= 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[]", "must be a JSON object"),
        (b'{"do": "hello"}', "no id"),
        (b'{"id": true, "do": "hello"}', "no id"),
        (b'{"id": -1, "do": "hello"}', "no id"),
        (b'{"id": 1, "do": "fly"}', '"do" as one of: hello, open'),
        (b'{"id": 1, "do": ["hello"]}', '"do" as one of'),
        (b'{"id": 1, "do": "close"}', "request close: handle is missing"),
        (b'{"id": 1, "do": "close", "with": {"handle": 2}}', "request close: handle must be str, not int"),
    ],
)
def test_the_message_names_what_is_wrong(line: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wire.read_request(line)


def test_the_id_of_a_bad_request_is_told_where_it_can_be_read() -> None:
    assert wire.peek_id(b'{"id": 12, "do": "fly"}') == 12
    assert wire.peek_id(b'{"id": "12"}') == wire.NO_ID


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InputError("a"), InputError),
        (MissingExtra("openvino", "openvino"), InputError),
        (CheckFailed("b"), CheckFailed),
        (AgentFailed("c"), AgentFailed),
    ],
)
def test_errors_cross_the_wire(error: EdgekitError, kind: type[EdgekitError]) -> None:
    _, failed = wire.read_reply(wire.write_reply(1, wire.failure(error)))
    told = wire.as_error(failed)
    assert type(told) is kind
    assert str(told) == str(error)


def test_a_told_error_is_one_line() -> None:
    assert str(wire.as_error(Failed(message="a\n  b\r\nc", exit_code=2))) == "a b c"
