from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.agent.lines import LineReader, fill_ready, next_line
from edgekit_targets.errors import InputError


class Pipe:
    """A pipe whose far end the test writes to."""

    def __init__(self) -> None:
        self.source, self.far = os.pipe()
        self.open = True

    def write(self, data: bytes) -> None:
        assert os.write(self.far, data) == len(data)

    def hang_up(self) -> None:
        if self.open:
            os.close(self.far)
            self.open = False

    def close(self) -> None:
        self.hang_up()
        os.close(self.source)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


@pytest.fixture
def beside() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.data())
def test_lines_arrive_whole_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    pipe = Pipe()
    try:
        reader = LineReader(pipe.source)
        rest = b"".join(line + b"\n" for line in lines)
        found = []
        while rest:
            size = data.draw(st.integers(1, len(rest)))
            pipe.write(rest[:size])
            rest = rest[size:]
            reader.fill()
            while (line := reader.take()) is not None:
                found.append(line)
        assert found == lines
    finally:
        pipe.close()


def test_a_long_line_is_refused_once_and_the_next_one_read(pipe: Pipe) -> None:
    reader = LineReader(pipe.source, limit=10)
    pipe.write(b"x" * 50)
    with pytest.raises(InputError, match="longer than 10 bytes"):
        next_line(reader, 1.0)
    pipe.write(b"x" * 50)
    with pytest.raises(TimeoutError):
        next_line(reader, 0.01)
    pipe.write(b"x\nok\n")
    assert next_line(reader, 1.0) == b"ok"
    pipe.write(b"y" * 11 + b"\nagain\n")
    with pytest.raises(InputError):
        next_line(reader, 1.0)
    assert next_line(reader, 1.0) == b"again"


def test_the_limit_itself_is_allowed(pipe: Pipe) -> None:
    pipe.write(b"x" * 10 + b"\n")
    assert next_line(LineReader(pipe.source, limit=10), 1.0) == b"x" * 10


def test_silence_and_the_end(pipe: Pipe) -> None:
    reader = LineReader(pipe.source)
    with pytest.raises(TimeoutError):
        next_line(reader, 0.01)
    pipe.write(b"whole\npart")
    pipe.hang_up()
    assert next_line(reader, 1.0) == b"whole"
    with pytest.raises(EOFError):
        next_line(reader, 1.0)


def test_the_other_descriptor_is_served_meanwhile(pipe: Pipe, beside: Pipe) -> None:
    reader, other = LineReader(pipe.source), LineReader(beside.source)
    heard = []

    def hear() -> None:
        heard.append(other.take())
        if other.ended:
            pipe.write(b"answer\n")

    beside.write(b"chatter\n")
    beside.hang_up()
    assert next_line(reader, 5.0, other, hear) == b"answer"
    assert heard[0] == b"chatter"
    pipe.write(b"more\n")
    assert next_line(reader, 5.0, other, hear) == b"more"


def test_only_what_has_something_is_read(pipe: Pipe, beside: Pipe) -> None:
    reader, other = LineReader(pipe.source), LineReader(beside.source)
    pipe.write(b"a\n")
    assert fill_ready([reader, other], 1.0) == [reader]
    assert fill_ready([other], 0.0) == []


def test_what_a_runtime_prints_goes_to_the_standard_error() -> None:
    code = (
        "import os\n"
        "from edgekit_targets.agent.lines import claim_stdout\n"
        "sink = claim_stdout()\n"
        "print('python chatter', flush=True)\n"
        "os.system('echo native chatter')\n"
        "sink.write(b'protocol\\n')\n"
        "sink.flush()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"protocol\n"
    assert done.stderr.splitlines() == [b"python chatter", b"native chatter"]


def test_without_poll_threads_read(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.delattr("select.poll")
    reader, beside = LineReader(pipe.source), Pipe()
    other = LineReader(beside.source)
    with pytest.raises(TimeoutError):
        next_line(reader, 0.05, other)
    beside.write(b"said\n")
    pipe.write(b"one\ntwo\nth")
    assert next_line(reader, 5.0, other) == b"one"
    assert next_line(reader, 5.0, other) == b"two"
    assert next_line(other, 5.0) == b"said"
    pipe.hang_up()
    beside.hang_up()
    with pytest.raises(EOFError):
        next_line(reader, 5.0, other)
    with pytest.raises(EOFError):
        next_line(other, 5.0)
    beside.close()
