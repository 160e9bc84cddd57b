"""Our service times against those of tools that others trust, on the same files in the same run, in interleaved pairs.

Theirs: a C loop on ONNX Runtime's C API (``native/ort_loop.c``, with the library of the same wheel), OpenVINO's
``benchmark_app``, and for both runtimes the standard library's ``timeit`` on the runtime's own Python call
(``native/plain_python.py``). Ours: the agent and its worker, as ``edgekit profile`` runs them. Also the smallest model,
which shows what a call alone costs.

The medians' ratio must lie within 3 %, or their difference within 2 us, by the whole 95 % interval; else it is beyond,
or undecided where the machine is too noisy to tell. Where ours is beyond a C tool but within ``timeit``, the rest is
what the runtime's Python package takes, and the line says so: an application in Python has it too, one in C does not.
Run by ``make bench``; exits 1 when ours is wholly beyond every tool.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime

from edgekit.profiling.plan import concrete_shapes
from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.protocol import Open, Run
from edgekit_targets.files import sha256_of
from edgekit_targets.progress import silent
from edgekit_targets.runtimes.carried import input_shapes
from edgekit_targets.runtimes.onenode import ONE_NODE
from edgekit_targets.runtimes.onnx_file import read_signature
from edgekit_targets.spawn import environment
from edgekit_targets.types.manifest import State
from edgekit_targets.types.session import SessionOptions
from tests.benchmarks.common.rounds import middle

PAIRS, SAMPLES, WARMUP = 24, 300, 30
RELATIVE, ABSOLUTE = 0.03, 2e-6
LENGTHS = (25, 100)
NATIVE = Path(__file__).parent / "native"
TYPES = {"float32": 1, "int64": 7, "bool": 9}
Timing = Callable[[], float]
Verdict = Literal["within", "undecided", "beyond"]


@dataclass
class Case:
    """One file at one shape."""

    name: str
    path: Path
    inputs: dict[str, tuple[int, ...]]
    states: tuple[State, ...] = ()
    tools: dict[str, Timing] = field(default_factory=dict)


def cases(folder: Path) -> list[Case]:
    """Windows of 25 and 100 and a step of the stream of both families, and the model of one node."""
    manifest = export(
        ExportRequest(
            models=("lstm", "transformer"), out=folder, preset="iot", modes=("window", "stream"), precisions=("fp32",)
        ),
        silent,
    )
    one = folder / "one.onnx"
    one.write_bytes(ONE_NODE)
    found = [Case("a call that computes nothing", one, {"x": (1,)})]
    for artifact in manifest.artifacts:
        for length in LENGTHS if artifact.mode == "window" else (1,):
            shapes = concrete_shapes(artifact, {}, batch=1, length=length, given=False)
            what = "step" if artifact.mode == "stream" else f"window of {length}"
            found.append(Case(f"{artifact.family} {what}", folder / artifact.file, shapes, artifact.states))
    return found


def fixed(case: Case, target: str) -> bool:
    """As the other tools have it; OpenVINO crashes over the fixed shapes of a Transformer's step."""
    return target == "openvino" and not case.name.startswith("transformer step")


def ours(agent: LocalAgent, case: Case, target: str) -> Timing:
    """A slice of the agent's; shapes are fixed where the other tool fixes them."""
    handle = f"{case.name} on {target}"
    agent.open(
        Open(
            handle=handle,
            file=str(case.path),
            sha256=sha256_of(case.path),
            target=target,
            inputs=case.inputs,
            states=case.states,
            options=SessionOptions(fixed_shapes=fixed(case, target)),
        )
    )
    run = Run(handle=handle, samples=SAMPLES, max_seconds=30.0, warmup_seconds=0.01)
    return lambda: statistics.median(agent.run(run).seconds)


def write_spec(case: Case, folder: Path) -> Path:
    """The tensors of a case for the native loops: the inputs that are fed hold noise, states their initial zeros."""
    signature = read_signature(case.path)
    shapes = dict(input_shapes(signature.inputs, case.states, case.inputs))
    sizes = {
        name: size
        for tensor in signature.inputs
        for name, size in zip(tensor.shape, shapes[tensor.name], strict=True)
        if isinstance(name, str)
    }
    lines = []
    for kind, tensors in (("in", signature.inputs), ("out", signature.outputs)):
        for tensor in tensors:
            shape = [size if isinstance(size, int) else sizes[size] for size in tensor.shape]
            source = "-"
            if kind == "in" and tensor.name in case.inputs:
                source = str(folder / f"{case.path.stem}-{'x'.join(map(str, shape))}.bin")
                np.random.default_rng(0).uniform(-1, 1, shape).astype(tensor.dtype).tofile(source)
            size = int(np.prod(shape)) * np.dtype(tensor.dtype).itemsize
            lines.append(" ".join(map(str, (kind, tensor.name, TYPES[tensor.dtype], size, source, *shape))))
    lines += [f"state {state.input} {state.output}" for state in case.states]
    path = folder / f"{case.name.replace(' ', '-')}.spec"
    path.write_text("\n".join(lines) + "\n")
    return path


def loop(command: Sequence[str], processes: list[subprocess.Popen[str]]) -> Timing:
    """A process that times ``SAMPLES`` calls for each line it is given."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment() | {"PYTHONPATH": ""}
    )
    processes.append(process)
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None
    if not stdout.readline().startswith("ready"):
        raise SystemExit(f"{command[0]} did not start")

    def time() -> float:
        print(SAMPLES, WARMUP, file=stdin, flush=True)
        return statistics.median(int(one) for one in stdout.readline().split()) / 1e9

    return time


def compiled(folder: Path) -> Path | None:
    """The C loop; nothing without a compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        return None
    program = folder / "ort_loop"
    subprocess.run([compiler, "-O2", "-o", str(program), str(NATIVE / "ort_loop.c"), "-ldl"], check=True)
    return program


def benchmark_app(case: Case) -> Timing | None:
    """OpenVINO's own tool, a process for each timing; nothing where it would fill a counter with noise."""
    signature = read_signature(case.path)
    program = shutil.which("benchmark_app", path=str(Path(sys.executable).parent))
    if program is None or any(tensor.dtype != "float32" for tensor in signature.inputs):
        return None
    shapes = input_shapes(signature.inputs, case.states, case.inputs)
    shape = ",".join(f"{name}[{','.join(map(str, sizes))}]" for name, sizes in shapes.items())
    command = [program, "-m", str(case.path), "-d", "CPU", "-hint", "none", "-nstreams", "1", "-nthreads", "1"]
    command += ["-api", "sync", "-niter", str(SAMPLES + WARMUP), "-infer_precision", "f32", "-inference_only"]
    command += [] if case.path.name == "one.onnx" else ["-shape", shape]

    def time() -> float:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = re.search(r"Median:\s+([\d.]+) (ms|us|µs)", done.stdout)
        assert found is not None, done.stdout
        return float(found[1]) * (1e-3 if found[2] == "ms" else 1e-6)

    return time


def judge(mine: Sequence[float], theirs: Sequence[float]) -> tuple[Verdict, str]:
    """Whether the pairs agree, and the figures in words."""
    share = middle([one / other for one, other in zip(mine, theirs, strict=True)])
    more = middle([one - other for one, other in zip(mine, theirs, strict=True)])
    verdict: Verdict = "undecided"
    if (share.low >= 1 - RELATIVE and share.high <= 1 + RELATIVE) or (more.low >= -ABSOLUTE and more.high <= ABSOLUTE):
        verdict = "within"
    elif (share.high < 1 - RELATIVE or share.low > 1 + RELATIVE) and (more.high < -ABSOLUTE or more.low > ABSOLUTE):
        verdict = "beyond"
    return verdict, (
        f"{statistics.median(mine) * 1e6:.1f} us / {statistics.median(theirs) * 1e6:.1f} us = {share}, "
        f"{more.value * 1e6:+.1f} us [{more.low * 1e6:+.1f}, {more.high * 1e6:+.1f}]"
    )


def compare(case: Case, target: str) -> bool:
    """Measure the tools of a case in turns of random order, print a line each; whether ours is beyond them all."""
    order = random.Random(0)
    taken: dict[str, list[float]] = {name: [] for name in case.tools}
    for turn in range(-1, PAIRS):
        for name in order.sample(list(case.tools), len(case.tools)):
            found = case.tools[name]()
            if turn >= 0:
                taken[name].append(found)
    verdicts = {}
    for name in [name for name in case.tools if name != "ours"]:
        verdicts[name], text = judge(taken["ours"], taken[name])
        told = verdicts[name]
        python = name != "timeit" and told == "beyond" and verdicts["timeit"] == "within"
        said = "beyond, but within timeit: what the Python package takes" if python else told
        print(f"{target}, {case.name}: ours / {name}: {text}: {said}")
    return all(one == "beyond" for one in verdicts.values())


def main() -> int:
    """Compare everything; print a line each."""
    failed = False
    processes: list[subprocess.Popen[str]] = []
    library = next(Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so*"), None)
    with tempfile.TemporaryDirectory() as scratch, LocalAgent() as agent:
        folder = Path(scratch)
        agent.hello(exclusive=True)
        program = compiled(folder)
        if program is None or library is None:
            print("cpu: no C compiler, or no C library in the wheel: the C loop is left out")
        found = cases(folder / "bundle")
        for target, runtime in (("cpu", "onnxruntime"), ("openvino", "openvino")):
            for case in found:
                spec = write_spec(case, folder)
                plain = [sys.executable, str(NATIVE / "plain_python.py"), runtime, str(case.path), str(spec)]
                plain += ["fixed" if fixed(case, target) else "free"]
                case.tools = {"ours": ours(agent, case, target), "timeit": loop(plain, processes)}
                if target == "cpu" and program is not None and library is not None:
                    case.tools["C"] = loop([str(program), str(library), str(case.path), str(spec)], processes)
                app = benchmark_app(case) if target == "openvino" else None
                if app is not None:
                    case.tools["benchmark_app"] = app
                failed |= compare(case, target)
                while processes:
                    processes.pop().kill()
                agent.close(f"{case.name} on {target}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
