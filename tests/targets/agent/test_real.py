"""The agent and its workers as real processes, with the real runtimes and with faults."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgekit_targets.agent import arrays, wire
from edgekit_targets.agent import client as client_module
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.protocol import PROTOCOL, Evaluate, Open, Run
from edgekit_targets.errors import AgentFailed, CheckFailed, InputError
from edgekit_targets.spawn import environment, python_module
from edgekit_targets.types.session import SessionOptions
from tests.ctrl_c import hear_ctrl_c


@pytest.fixture
def agent() -> Iterator[LocalAgent]:
    with LocalAgent() as started:
        yield started


def run(handle: str = "one", samples: int = 50, max_seconds: float = 2.0) -> Run:
    return Run(handle=handle, samples=samples, max_seconds=max_seconds, warmup_seconds=0.01)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def pid_of(agent: LocalAgent) -> int:
    process = agent._process
    assert process is not None
    return process.pid


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process ends in that time (a zombie has ended)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_says_hello(agent: LocalAgent) -> None:
    welcome = agent.hello()
    assert welcome.protocol == PROTOCOL
    assert {"cpu", "openvino"} <= {status.name for status in welcome.targets if status.available}
    assert welcome.device.cores >= 1


@pytest.mark.parametrize("target", ["cpu", "openvino"])
def test_measures_a_model_and_checks_its_answers(
    agent: LocalAgent, matmul: Path, asking: Callable[..., Open], golden: Callable[..., Path], target: str
) -> None:
    opened = agent.open(asking(matmul, target, golden=str(golden()), tolerance=1e-4))
    assert opened.parity is not None
    assert opened.parity.passed
    assert opened.inputs[0].shape == ("batch", 6)
    assert opened.memory is not None
    assert opened.memory.baseline_bytes > 20 * 2**20
    assert opened.memory.load_peak_bytes > opened.memory.baseline_bytes
    ran = agent.run(run())
    assert len(ran.seconds) == 50
    assert min(ran.seconds) > 0
    assert ran.cpu_seconds is not None
    assert ran.steady_bytes is not None
    agent.close("one")
    with pytest.raises(InputError, match="no model is open under the handle one"):
        agent.run(run())
    agent.close("never opened")


@pytest.mark.parametrize("target", ["cpu", "openvino"])
def test_fixed_shapes_are_measured_and_other_golden_shapes_checked(
    agent: LocalAgent, matmul: Path, asking: Callable[..., Open], golden: Callable[..., Path], target: str
) -> None:
    asked = asking(matmul, target, golden=str(golden()), tolerance=1e-4, options=SessionOptions(fixed_shapes=True))
    opened = agent.open(dataclasses.replace(asked, inputs={"x": (3, 6)}))
    assert opened.parity is not None
    assert opened.parity.passed, "the golden samples are of batch 1"
    assert opened.facts is not None
    assert (opened.facts.shapes, opened.facts.threads) == ("fixed", 1)
    assert opened.facts.precision == ("f32" if target == "openvino" else "as in the file")
    assert opened.device_memory is None
    assert opened.call_seconds is not None
    assert opened.call_seconds > 0
    assert len(agent.run(run()).seconds) == 50


@pytest.mark.parametrize("target", ["cpu", "openvino"])
@pytest.mark.parametrize("fixed", [True, False])
def test_a_wrong_answer_is_told_and_left_to_the_controller(
    agent: LocalAgent, matmul: Path, asking: Callable[..., Open], golden: Callable[..., Path], target: str, fixed: bool
) -> None:
    options = SessionOptions(fixed_shapes=fixed)
    asked = asking(matmul, target, golden=str(golden(error=0.5)), tolerance=1e-4, options=options)
    parity = agent.open(asked).parity
    assert parity is not None
    assert not parity.passed
    assert parity.max_abs_error == pytest.approx(0.5, abs=1e-5)


def test_evaluates_one_by_one(agent: LocalAgent, lstm: Path, asking: Callable[..., Open], tmp_path: Path) -> None:
    agent.open(asking(lstm, inputs={"x": (1, 25, 6)}))
    x = np.random.default_rng(3).normal(size=(5, 9, 6)).astype(np.float32)
    arrays.save(tmp_path / "in.npz", "input.", {"x": x})
    answers = {}
    for whole in (False, True):
        out = tmp_path / f"{whole}.npz"
        done = agent.evaluate(Evaluate(handle="one", inputs=str(tmp_path / "in.npz"), outputs=str(out), whole=whole))
        assert done.samples == 5
        with np.load(out) as found:
            answers[whole] = found["output.y"]
    assert answers[False].shape == (5, 1, 8)
    np.testing.assert_allclose(answers[False][:, 0], answers[True][0], atol=1e-6)
    assert len(agent.run(run()).seconds) == 50


def test_a_worker_holds_little_more_than_the_runtime() -> None:
    code = textwrap.dedent("""
        import json, sys
        import edgekit_targets.agent.worker
        from edgekit_targets.runtimes import find
        find("cpu").prepare()
        import edgekit_targets.agent.arrays, edgekit_targets.agent.golden
        print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
    """)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    modules = set(json.loads(done.stdout))
    assert {"numpy", "onnxruntime"} <= modules
    heavy = {
        "torch",
        "typer",
        "rich",
        "scipy",
        "onnx",
        "openvino",
        "subprocess",
        "hashlib",
        "edgekit",
        "edgekit_export",
    }
    assert not modules & heavy


def test_at_a_pace_real_time_passes_and_nothing_is_dropped(
    agent: LocalAgent, matmul: Path, asking: Callable[..., Open]
) -> None:
    opened = agent.open(asking(matmul, handle="one"))
    assert opened.conditions is not None
    ran = agent.run(dataclasses.replace(run(samples=20), every_seconds=0.005))
    assert ran.response_seconds is not None
    assert len(ran.seconds) == len(ran.response_seconds) == 20
    assert all(waited >= served for served, waited in zip(ran.seconds, ran.response_seconds, strict=True))
    assert ran.wall_seconds >= 20 * 0.005, "the schedule's length at the least"
    assert ran.cpu_seconds is not None
    assert ran.cpu_seconds < ran.wall_seconds, "it sleeps between arrivals"
    assert ran.conditions is not None


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


def test_one_thread_is_one_thread(agent: LocalAgent, matmul: Path, asking: Callable[..., Open]) -> None:
    def threads(count: int) -> int:
        agent.open(asking(matmul, handle=str(count), options=SessionOptions(threads=count)))
        return len(os.listdir(f"/proc/{children(pid_of(agent))[-1]}/task"))  # noqa: PTH208 - numbers, not paths

    assert threads(2) == threads(1) + 1


@pytest.mark.parametrize("target", ["cpu", "openvino"])
@pytest.mark.parametrize("content", [b"hello world" * 10, b"", None])
def test_a_file_that_is_no_onnx(
    agent: LocalAgent, tmp_path: Path, matmul: Path, asking: Callable[..., Open], target: str, content: bytes | None
) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(matmul.read_bytes()[:100] if content is None else content)
    with pytest.raises(InputError, match=r"bad\.onnx is no ONNX file") as caught:
        agent.open(asking(path, target))
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_file_that_is_not_there(agent: LocalAgent, tmp_path: Path, asking: Callable[..., Open]) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        agent.open(asking(tmp_path))
    with pytest.raises(InputError, match="No such file"):
        agent.open(asking(tmp_path / "none.onnx"))


def test_another_file_than_the_one_meant(agent: LocalAgent, matmul: Path, asking: Callable[..., Open]) -> None:
    with pytest.raises(CheckFailed, match=r"matmul\.onnx is not the file that was asked for"):
        agent.open(asking(matmul, sha256="1" * 64))


def test_an_unknown_target_and_a_wrong_shape(agent: LocalAgent, matmul: Path, asking: Callable[..., Open]) -> None:
    with pytest.raises(InputError, match="known targets: cpu"):
        agent.open(asking(matmul, "tpu"))
    with pytest.raises(InputError, match="input x takes batchx6, not 1x7"):
        agent.open(asking(matmul, inputs={"x": (1, 7)}))
    assert children(pid_of(agent)) == []


def test_a_handle_is_used_once(agent: LocalAgent, matmul: Path, asking: Callable[..., Open]) -> None:
    agent.open(asking(matmul))
    with pytest.raises(InputError, match="the handle one is in use"):
        agent.open(asking(matmul))


def test_a_target_that_is_not_installed(
    matmul: Path, asking: Callable[..., Open], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openvino.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'openvino'\", name='openvino')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with LocalAgent() as agent:
        with pytest.raises(InputError, match=r'openvino is not installed.*pip install "edgekit-onnx\[openvino\]"'):
            agent.open(asking(matmul, "openvino"))
        assert agent.open(asking(matmul, "cpu")).runtime_version


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


@pytest.mark.parametrize(
    ("line", "number", "words"),
    [
        (b"garbage\n", 0, "not valid JSON"),
        (b'{"id": 4, "do": "fly"}\n', 4, "as one of: hello"),
        (b'{"id": 4, "do": "hello", "with": {"protocol": 99}}\n', 4, "speaks protocol 2, yours 99"),
        (b"\xff\xff\n", 0, "not UTF-8"),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_agent_goes_on(line: bytes, number: int, words: str) -> None:
    done = subprocess.run(
        python_module("edgekit_targets"),
        input=line + wire.write_request(9, Run(handle="x", samples=1, max_seconds=1.0, warmup_seconds=0.0)),
        env=environment(),
        capture_output=True,
        check=True,
    )
    first, second = [wire.read_reply(reply) for reply in done.stdout.splitlines()]
    assert first[0] == number
    assert (first[1].exit_code, words in first[1].message) == (2, True)
    assert second[0] == 9
    assert done.stderr == b""


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
