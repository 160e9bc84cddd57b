"""What goes wrong on a device, with real processes: each fault is one clear line, and nothing is left running."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.protocol import MAX_LINE_BYTES, PROTOCOL, Open, Run
from edgekit_targets.errors import AgentFailed, AgentGone, InputError
from edgekit_targets.spawn import environment, python_module
from edgekit_targets.types.session import SessionOptions

MIB = 2**20
LONG = Run(handle="one", samples=2_000_000, max_seconds=600.0, warmup_seconds=0.0, every_seconds=1.0)
SHORT = Run(handle="one", samples=20, max_seconds=5.0, warmup_seconds=0.0)


def talk(script: str) -> LocalAgent:
    """A controller of something that is no agent."""
    return LocalAgent([sys.executable, "-c", textwrap.dedent(script)])


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.02)
    return done()


def pid_of(agent: LocalAgent) -> int:
    process = agent._process
    assert process is not None
    return process.pid


def kill_later(pid: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep(0.3); os.kill({pid}, 9)"])


def test_an_agent_killed_in_mid_run_is_one_line_however_often_it_is_asked(
    matmul: Path, asking: Callable[..., Open]
) -> None:
    with LocalAgent() as agent:
        agent.open(asking(matmul))
        (worker,) = children(pid_of(agent))
        killer = kill_later(pid_of(agent))
        with pytest.raises(AgentGone, match=r"^the agent was killed by SIGKILL \(often .* memory\)$"):
            agent.run(LONG)
        assert killer.wait() == 0
        for ask in (lambda: agent.run(SHORT), lambda: agent.open(asking(matmul)), lambda: agent.close("one")):
            with pytest.raises(AgentGone, match="the agent was killed by SIGKILL"):
                ask()
    assert wait_until(lambda: gone(worker))


@pytest.mark.parametrize("paced", [True, False])
def test_nothing_is_left_when_the_controller_is_killed(matmul: Path, asking: Callable[..., Open], paced: bool) -> None:
    request = asking(matmul)
    code = textwrap.dedent(f"""
        from edgekit_targets.agent.client import LocalAgent
        from edgekit_targets.agent.protocol import Open, Run
        with LocalAgent() as agent:
            for handle in "ab":
                agent.open(Open(handle=handle, file={request.file!r}, sha256={request.sha256!r}, target="cpu",
                                inputs={{"x": (1, 6)}}))
            print(agent._process.pid, flush=True)
            agent.run(Run(handle="b", samples=2_000_000, max_seconds=600.0, warmup_seconds=600.0,
                          every_seconds={1.0 if paced else None}))
    """)
    controller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert controller.stdout is not None
    agent = int(controller.stdout.readline())
    started = [agent, *children(agent)]
    assert len(started) == 3
    time.sleep(0.2)
    controller.kill()
    controller.wait()
    controller.stdout.close()
    assert wait_until(lambda: all(map(gone, started))), "the agent and both workers end with their controller"


def test_a_model_that_needs_more_memory_than_there_is(
    hungry: Callable[[int], Path], matmul: Path, asking: Callable[..., Open]
) -> None:
    """Where memory is refused (here: address space) rather than promised, the runtime says so and the agent goes on."""
    script = (
        "import resource, runpy; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30));"
        "runpy.run_module('edgekit_targets', run_name='__main__')"
    )

    with LocalAgent([sys.executable, "-c", script]) as agent:
        with pytest.raises(InputError, match=r"hungry-4096\.onnx does not run on ONNX Runtime .*memory") as caught:
            agent.open(asking(hungry(4096)))
        assert "\n" not in str(caught.value)
        agent.open(asking(matmul))
        assert len(agent.run(SHORT).seconds) == 20


def test_what_the_arena_takes_for_later_runs_is_in_the_reported_peak(
    hungry: Callable[[int], Path], asking: Callable[..., Open]
) -> None:
    added = {}
    with LocalAgent() as agent:
        for arena in (True, False):
            opened = agent.open(asking(hungry(96), options=SessionOptions(arena=arena)))
            ran = agent.run(dataclasses.replace(SHORT, samples=4))
            agent.close("one")
            assert opened.memory is not None
            assert ran.steady_bytes is not None
            assert ran.steady_bytes <= opened.memory.peak_bytes + MIB
            added[arena] = opened.memory.added_bytes
    assert added[False] >= 96 * MIB
    assert added[True] >= added[False]


def test_a_wall_clock_that_jumps_changes_nothing(
    matmul: Path, asking: Callable[..., Open], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In agent and worker every look at the wall clock is an hour off, forwards and backwards in turn."""
    (tmp_path / "sitecustomize.py").write_text(
        textwrap.dedent("""
            import itertools, pathlib, os, time
            jumps = itertools.cycle([3600, -3600])
            real, real_ns = time.time, time.time_ns
            time.time = lambda: real() + next(jumps)
            time.time_ns = lambda: real_ns() + next(jumps) * 10**9
            pathlib.Path(__file__).with_name(f"jumping-{os.getpid()}").touch()
        """)
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with LocalAgent() as agent:
        begin = time.monotonic()
        opened = agent.open(asking(matmul))
        ran = agent.run(SHORT)
        paced = agent.run(Run(handle="one", samples=10, max_seconds=5.0, warmup_seconds=0.0, every_seconds=0.01))
        passed = time.monotonic() - begin
    assert len(list(tmp_path.glob("jumping-*"))) >= 2, "the clock did jump, in the agent and in the worker"
    assert paced.response_seconds is not None
    figures = [opened.load_seconds, opened.first_run_seconds, ran.wall_seconds, *ran.seconds, *paced.seconds]
    assert all(0.0 < figure <= passed for figure in (*figures, *paced.response_seconds))
    assert not [found for found in (*ran.disturbances, *paced.disturbances) if found.kind == "clock"]


WELCOME = f'{{"id": 1, "reply": "welcome", "with": {{"protocol": {PROTOCOL}}}}}'


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("print('Last login: Tue Nov 24')", r'makes no sense.*it began "Last login: Tue Nov 24"; what a login prints'),
        (f"print('\\x1b[1mhi\\n' + {WELCOME!r})", r'it began "\?\[1mhi"'),
        (f"print({WELCOME!r})", r"makes no sense: reply welcome: edgekit_version is missing"),
        ("print('{}')", r'makes no sense: the reply has no id that is a whole number \(it began "{}"'),
        ("import os; os.write(1, b'\\xff\\xfe\\n')", "is not UTF-8 text"),
        ("print()", "makes no sense"),
        ('import sys; sys.stdout.write(\'{"id": 1, "re\')', "ended with exit code 0"),
        ("import os, time; os.close(1); time.sleep(600)", "was killed by SIGKILL|ended with"),
    ],
)
def test_answers_that_are_none(script: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit_targets.agent.client._END_SECONDS", 1.0)
    with talk(f"import sys; sys.stdin.readline(); {script}") as agent:
        with pytest.raises(AgentGone, match=words) as caught:
            agent.hello()
        assert "\n" not in str(caught.value)
        with pytest.raises(AgentGone, match=r"makes no sense|ended|killed"):
            agent.hello()


def test_an_answer_that_never_ends() -> None:
    script = """
        import os, sys
        sys.stdin.readline()
        piece = b"1" * (1 << 20)
        while True:
            os.write(1, piece)
    """
    with talk(script) as agent:
        pid = pid_of(agent)
        with pytest.raises(AgentGone, match=f"longer than {MAX_LINE_BYTES} bytes"):
            agent.hello()
    assert gone(pid)


def test_garbage_among_the_answers(matmul: Path, asking: Callable[..., Open], tmp_path: Path) -> None:
    """A real agent behind something that prints a line of its own after the first answer."""
    script = f"""
        import subprocess, sys
        agent = subprocess.Popen({python_module("edgekit_targets")!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 env={environment()!r})
        for number, line in enumerate(sys.stdin.buffer):
            agent.stdin.write(line)
            agent.stdin.flush()
            if number == 1:
                print("You have new mail", flush=True)
            sys.stdout.buffer.write(agent.stdout.readline())
            sys.stdout.buffer.flush()
    """
    with talk(script) as agent:
        assert agent.hello().protocol == PROTOCOL
        with pytest.raises(AgentGone, match='it began "You have new mail"'):
            agent.open(asking(matmul))


@pytest.mark.parametrize("protocol", [PROTOCOL - 1, PROTOCOL + 1])
def test_an_agent_of_another_protocol(protocol: int) -> None:
    script = f"""
        import json, sys
        device = dict(name="pi", model=None, cpu=None, architecture="aarch64", isa=[], cores=4, memory_bytes=None,
                      os="Linux", python="3.11", governor=None, fingerprint="0")
        sys.stdin.readline()
        print(json.dumps({{"id": 1, "reply": "welcome", "with": {{"protocol": {protocol}, "edgekit_version": "9",
              "device": device, "targets": []}}}}))
    """
    with (
        talk(script) as agent,
        pytest.raises(AgentFailed, match=f"speaks protocol {protocol}, this edgekit {PROTOCOL}"),
    ):
        agent.hello()
