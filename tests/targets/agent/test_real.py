"""The agent and its workers as real processes, with the real runtimes: what they measure and refuse."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit_targets.agent import arrays, wire
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.protocol import PROTOCOL, Evaluate, Open, Run
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.spawn import environment, python_module
from edgekit_targets.types.session import SessionOptions
from tests.targets.agent.processes import children, pid_of, run


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
