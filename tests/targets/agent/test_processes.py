"""The agent and its workers as real processes: who keeps whom out, who ends with whom, and faults."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit_targets.agent import client as client_module
from edgekit_targets.agent import wire
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.protocol import Open, Run
from edgekit_targets.errors import AgentFailed, InputError
from edgekit_targets.spawn import environment, python_module
from tests.ctrl_c import hear_ctrl_c
from tests.targets.agent.processes import children, gone, pid_of, run


def test_a_second_controller_is_kept_out_until_the_first_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGEKIT_LOCK", str(tmp_path / "lock"))
    with LocalAgent() as first, LocalAgent() as second:
        first.hello(exclusive=True)
        first.hello(exclusive=True)
        with pytest.raises(InputError, match=rf"another edgekit is measuring .*process {pid_of(first)}"):
            second.hello(exclusive=True)
        second.hello()
        os.kill(pid_of(first), signal.SIGKILL)
        assert gone(pid_of(first))
        second.hello(exclusive=True)


def test_a_controller_ends_its_own_agent_that_a_broken_line_left_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, matmul: Path, asking: Callable[..., Open]
) -> None:
    monkeypatch.setenv("EDGEKIT_LOCK", str(tmp_path / "lock"))
    with LocalAgent() as left_behind, LocalAgent() as other, LocalAgent() as again:
        left_behind.hello(exclusive=True, controller="mine")
        left_behind.open(asking(matmul))
        (worker,) = children(pid_of(left_behind))
        with pytest.raises(InputError, match="another edgekit"):
            other.hello(exclusive=True, controller="theirs")
        again.hello(exclusive=True, controller="mine")
        assert gone(pid_of(left_behind))
        assert gone(worker)
        with pytest.raises(InputError, match=rf"another edgekit .*process {pid_of(again)}"):
            other.hello(exclusive=True)


def test_a_lock_that_cannot_be_made_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEKIT_LOCK", str(tmp_path / "missing" / "lock"))
    with LocalAgent() as agent, pytest.raises(InputError, match="EDGEKIT_LOCK"):
        agent.hello(exclusive=True)


def test_a_worker_killed_in_a_run_is_one_line_and_the_agent_goes_on(
    agent: LocalAgent, matmul: Path, asking: Callable[..., Open]
) -> None:
    agent.open(asking(matmul, handle="victim"))
    (victim,) = children(pid_of(agent))
    agent.open(asking(matmul, handle="other"))
    killer = subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep(0.3); os.kill({victim}, 9)"])
    with pytest.raises(AgentFailed, match=r"the process that ran matmul\.onnx on cpu was killed by SIGKILL") as caught:
        agent.run(run("victim", samples=2_000_000, max_seconds=30.0))
    assert killer.wait() == 0
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no model is open"):
        agent.run(run("victim"))
    assert len(agent.run(run("other")).seconds) == 50
    assert agent.open(asking(matmul, handle="victim")).handle == "victim"


def test_a_worker_with_a_bug_shows_it(
    matmul: Path, asking: Callable[..., Open], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openvino.py").write_text("print('a banner')\nraise ZeroDivisionError('in the runtime')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with LocalAgent() as agent:
        with pytest.raises(AgentFailed, match=r"ended with exit code 1: ZeroDivisionError: in the runtime") as caught:
            agent.open(asking(matmul, "openvino"))
        assert any("Traceback" in note for note in caught.value.__notes__)
        assert agent.open(asking(matmul)).handle == "one"


@pytest.mark.parametrize(
    "asked",
    [run(samples=2_000_000, max_seconds=60.0), run(samples=200_000, max_seconds=1.0)],
    ids=["in the middle of a run", "with an answer that nobody takes"],
)
def test_a_silent_controller_ends_the_agent_and_its_workers(
    matmul: Path, asking: Callable[..., Open], asked: Run
) -> None:
    with subprocess.Popen(
        python_module("edgekit_targets"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment() | {"EDGEKIT_SILENCE_SECONDS": "1.5"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(wire.write_request(1, asking(matmul)))
        process.stdin.flush()
        process.stdout.readline()
        (worker,) = children(process.pid)
        process.stdin.write(wire.write_request(2, asked))
        process.stdin.flush()
        assert process.wait(60) == 0  # its input is still open
        assert gone(worker)


def test_a_controller_that_says_it_is_there_is_waited_for(matmul: Path, asking: Callable[..., Open]) -> None:
    argv = ["env", "EDGEKIT_SILENCE_SECONDS=1", *python_module("edgekit_targets")]
    with LocalAgent(argv, beat_seconds=0.2) as agent:
        agent.open(asking(matmul))
        ran = agent.run(dataclasses.replace(run(), samples=25, every_seconds=0.1, max_seconds=10.0))
        assert len(ran.seconds) == 25


def test_an_agent_beside_its_controller_expects_no_beat(
    matmul: Path, asking: Callable[..., Open], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command on a device inherits what was meant for the agent there."""
    monkeypatch.setenv("EDGEKIT_SILENCE_SECONDS", "0.3")
    with LocalAgent() as agent:
        agent.open(asking(matmul))
        assert len(agent.run(dataclasses.replace(run(), samples=10, every_seconds=0.1)).seconds) == 10


def test_the_end_of_the_input_is_the_end_of_agent_and_workers(matmul: Path, asking: Callable[..., Open]) -> None:
    process = subprocess.Popen(
        python_module("edgekit_targets"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(wire.write_request(1, asking(matmul)))
    process.stdin.flush()
    process.stdout.readline()
    (worker,) = children(process.pid)
    process.stdin.write(wire.write_request(2, run(samples=2_000_000, max_seconds=60.0)))
    process.stdin.flush()
    time.sleep(0.2)
    process.stdin.close()
    assert process.wait(10) == 0
    assert gone(worker)
    process.stdout.close()


def test_a_killed_agent_is_told_and_its_workers_go(matmul: Path, asking: Callable[..., Open]) -> None:
    with LocalAgent() as agent:
        agent.open(asking(matmul))
        (worker,) = children(pid_of(agent))
        os.kill(pid_of(agent), signal.SIGKILL)
        with pytest.raises(AgentFailed, match="the agent was killed by SIGKILL"):
            agent.run(run())
    assert gone(worker)


def test_ctrl_c_in_the_terminal_prints_no_traceback(matmul: Path, tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import hashlib, pathlib, time
        from edgekit_targets.agent.client import LocalAgent
        from edgekit_targets.agent.protocol import Open, Run
        path = pathlib.Path({str(matmul)!r})
        with LocalAgent() as agent:
            agent.open(Open(handle="a", file=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                            target="cpu", inputs={{"x": (1, 6)}}))
            print("ready", flush=True)
            try:
                agent.run(Run(handle="a", samples=2_000_000, max_seconds=60.0, warmup_seconds=0.0))
            except KeyboardInterrupt:
                print("interrupted", flush=True)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == (b"interrupted\n", b"", 0)


def talk(script: str) -> LocalAgent:
    """A controller of something that is no agent."""
    return LocalAgent([sys.executable, "-c", textwrap.dedent(script)])


def test_something_that_is_no_agent() -> None:
    with pytest.raises(AgentFailed, match="could not be started"), LocalAgent(["/nowhere/at/all"]) as agent:
        agent.hello()
    with talk("print('Welcome to Debian!')") as agent, pytest.raises(AgentFailed, match="makes no sense"):
        agent.hello()
    with (
        talk("import sys; sys.exit('ssh: connect to host pi port 22: Connection refused')") as agent,
        pytest.raises(AgentFailed, match="ended with exit code 1: ssh: connect to host pi port 22: Connection refused"),
    ):
        agent.hello()
    with (
        talk("""print('{"id": 5, "reply": "closed", "with": {"handle": "a"}}')""") as agent,
        pytest.raises(AgentFailed, match="answered Closed to Hello"),
    ):
        agent.hello()


def test_an_agent_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "limit_seconds", lambda request: 0.1)
    monkeypatch.setattr(client_module, "GRACE_SECONDS", 0.1)
    with talk("import time; time.sleep(60)") as agent:
        pid = pid_of(agent)
        with pytest.raises(AgentFailed, match="gave no answer in 0 s"):
            agent.hello()
    assert gone(pid)


def test_an_agent_that_talks_a_lot_on_standard_error_is_not_held_up() -> None:
    script = """
        import sys
        sys.stdin.readline()
        for number in range(20_000):
            print("line", number, file=sys.stderr)
        print("x" * 100_000, file=sys.stderr)
        print('{"id": 1, "reply": "failed", "with": {"message": "it broke", "exit_code": 1}}')
    """
    with talk(script) as agent, pytest.raises(AgentFailed, match="it broke: line 19999") as caught:
        agent.hello()
    assert len(caught.value.__notes__) < 100


def test_outside_its_block_it_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="with block"):
        LocalAgent().hello()
