"""What a device pays to take a release in: verifying and hashing one of 1 MB, at most 0.2 s and 40 MB.

A fresh process each time, as ``install`` and an application that opens a model have it: Python, the modules, the keys
of the device, the signature, every file's hash and the content. Beside it, in turns, Python alone and what the
published package takes for its ``model_signing verify key`` on the same folder. Run by ``make bench``; exits 1 when
the whole 95 % interval of a median lies beyond its bound, unless others kept the processors so busy that the time on
the clock tells nothing of this: the package's processes then take much longer than they have a processor for.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from onnx import TensorProto as Type
from onnx import helper, numpy_helper

from edgekit.shipping.choose import Chosen
from edgekit.shipping.compose import compose
from edgekit.shipping.signing import PrivateKey, new_pair, read_private_key
from edgekit_targets import __version__
from edgekit_targets.files import sha256_of
from edgekit_targets.releases.format import SIGNATURE
from edgekit_targets.signing.ring import trust
from edgekit_targets.spawn import environment
from edgekit_targets.types.manifest import Artifact, Manifest, Parity, Tensor
from edgekit_targets.types.session import SessionOptions
from tests.benchmarks.common.rounds import middle

BOUND_SECONDS, BOUND_BYTES = 0.2, 40_000_000
MOST_WAITING = 1.5
ROUNDS = 20
MODEL_BYTES = 1_000_000
PEAK = """
import atexit, time
atexit.register(
    lambda: print(time.process_time(), open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
)
"""
PYTHON = PEAK
OURS = """
import sys
from pathlib import Path
from edgekit_targets.releases.check import verify_release
from edgekit_targets.signing.ring import read_ring
ring = read_ring(Path(sys.argv[2]))
verify_release(Path(sys.argv[1]), ring.trusted, ring.revoked)
"""
THEIRS = """
import runpy
runpy.run_module("model_signing", run_name="__main__", alter_sys=True)
"""


class Cost(NamedTuple):
    """Of one process: how long it took, how much of that on a processor, and how much memory at its peak."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def release(folder: Path, key: PrivateKey) -> Path:
    """A release whose model holds a megabyte of weights."""
    bundle = folder / "bundle"
    (bundle / "golden").mkdir(parents=True)
    weights = np.random.default_rng(0).normal(size=(250, MODEL_BYTES // 1000)).astype(np.float32)
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "megabyte",
        [info("x", Type.FLOAT, ["batch", weights.shape[0]])],
        [info("y", Type.FLOAT, ["batch", weights.shape[1]])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    path = bundle / "megabyte.onnx"
    path.write_bytes(model.SerializeToString())
    x = np.random.default_rng(1).normal(size=(8, weights.shape[0])).astype(np.float32)
    golden: dict[str, Any] = {"input.x": x, "output.y": x @ weights}
    np.savez(bundle / "golden" / "megabyte.npz", **golden)
    artifact = Artifact(
        id="megabyte",
        file=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        family="megabyte",
        mode="window",
        precision="fp32",
        isa="portable",
        variant="plain",
        weights="random",
        parameters=weights.size,
        opset=18,
        ir_version=8,
        min_onnxruntime="1.16",
        inputs=(Tensor(name="x", dtype="float32", shape=("batch", weights.shape[0])),),
        outputs=(Tensor(name="y", dtype="float32", shape=("batch", weights.shape[1])),),
        states=(),
        parity=Parity(reference="numpy", tolerance=1e-3, max_abs_error=0.0, relative_error=0.0, points=((1, 1),)),
        quantized=None,
        accuracy=None,
        accuracy_validation=None,
        example=(1, 1),
    )
    manifest = Manifest(
        schema_version=1,
        edgekit_version=__version__,
        created="2026-01-01T00:00:00Z",
        data=None,
        versions={},
        settings={},
        artifacts=(artifact,),
    )
    chosen = Chosen(
        manifest=manifest,
        artifact=artifact,
        target="cpu",
        options=SessionOptions(),
        batch=1,
        length=1,
        every_seconds=None,
        limits=(),
        measurement=None,
        profile=None,
        verdict=None,
        forced=("a benchmark",),
    )
    compose(bundle, chosen, folder / "release", key=key, name="model", counter=1)
    return folder / "release"


def cost(command: list[str]) -> Cost:
    """Run a process to its end; it tells its own high-water mark last, since its parent's would count for it else."""
    start = time.perf_counter_ns()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    seconds = (time.perf_counter_ns() - start) / 1e9
    cpu, peak = done.stdout.split()[-2:]
    return Cost(seconds, float(cpu), int(peak) * 1024)


def main() -> int:
    """Measure in interleaved rounds, print a line each, and say whether the bounds hold."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        private, public, pair = new_pair(folder / "key")
        shipped = release(folder, read_private_key(private))
        trust(folder / "root", pair)
        theirs = ["verify", "key", "--public_key", str(public), "--signature", str(shipped / SIGNATURE), str(shipped)]
        ways = {
            "edgekit": [sys.executable, "-P", "-c", PEAK + OURS, str(shipped), str(folder / "root")],
            "python alone": [sys.executable, "-P", "-c", PYTHON],
            "model_signing": [sys.executable, "-P", "-c", PEAK + THEIRS, *theirs],
        }
        order = random.Random(0)
        taken: dict[str, list[Cost]] = {way: [] for way in ways}
        for turn in range(-1, ROUNDS):
            for way in order.sample(list(ways), len(ways)):
                found = cost(ways[way])
                if turn >= 0:
                    taken[way].append(found)
        size = sum(path.stat().st_size for path in shipped.rglob("*") if path.is_file())
        shutil.rmtree(shipped)
    for way, costs in taken.items():
        seconds = middle([one.seconds for one in costs])
        cpu = middle([one.cpu_seconds for one in costs])
        peak = middle([one.peak_bytes / 1e6 for one in costs])
        print(
            f"verifying {size / 1e6:.2f} MB, {way}: {seconds.value:.3f} s [{seconds.low:.3f}, {seconds.high:.3f}] "
            f"({cpu.value:.3f} s [{cpu.low:.3f}, {cpu.high:.3f}] of a processor), "
            f"{peak.value:.1f} MB [{peak.low:.1f}, {peak.high:.1f}] at its peak, {ROUNDS} processes"
        )
    waiting = middle([one.seconds / one.cpu_seconds for one in taken["model_signing"]]).value
    slow = middle([one.seconds for one in taken["edgekit"]])
    large = middle([float(one.peak_bytes) for one in taken["edgekit"]]).low > BOUND_BYTES
    told = "holds" if slow.high <= BOUND_SECONDS else "missed" if slow.low > BOUND_SECONDS else "undecided"
    if told != "holds" and waiting > MOST_WAITING:
        told = f"undecided, the machine is busy (a process takes {waiting:.1f} times as long as it runs)"
    print(f"verifying: {BOUND_BYTES / 1e6:.0f} MB {'missed' if large else 'holds'}; {BOUND_SECONDS} s {told}")
    return int(large or told == "missed")


if __name__ == "__main__":
    sys.exit(main())
