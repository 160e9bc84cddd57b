"""What the measuring adds to one call of ONNX Runtime on bound buffers: at most 5 us, with 16 carried states too.

On the same session and the same bindings, in interleaved rounds: edgekit's timed loop, which brackets each call by two
reads of the clock and swaps the sets of state buffers, against a bare loop of ``run_with_iobinding``. Run by
``make bench``; exits 1 when the whole 95 % interval of a difference lies beyond the bound.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from edgekit_targets.measure.clock import RealClock
from edgekit_targets.measure.latency import time_slice
from edgekit_targets.runtimes import find
from edgekit_targets.runtimes.ort_session import OrtSession
from edgekit_targets.types.manifest import State
from edgekit_targets.types.session import SessionOptions
from tests.benchmarks.common.rounds import middle

BOUND_SECONDS = 5e-6
ROUNDS, CALLS = 60, 1000
STATES = (0, 16)
WIDTH = 64


def bound(folder: Path, states: int) -> OrtSession:
    """A model that does next to nothing: y = -x, and every state grows by one."""
    names = [f"s{number}" for number in range(states)]
    value = helper.make_tensor_value_info
    shape = [1, WIDTH]
    one = helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
    graph = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["y"]), *(helper.make_node("Add", [n, "one"], [f"{n}_out"]) for n in names)],
        "harness",
        [value(name, TensorProto.FLOAT, shape) for name in ("x", *names)],
        [value(name, TensorProto.FLOAT, shape) for name in ("y", *(f"{n}_out" for n in names))],
        [one] if states else [],
    )
    path = folder / f"states-{states}.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    target = find("cpu")
    target.prepare()
    session = target.open(path, SessionOptions(), target.check(path))
    assert isinstance(session, OrtSession)
    carried = [
        State(input=name, output=f"{name}_out", shape=(1, WIDTH), dtype="float32", initial=0.0) for name in names
    ]
    session.bind({"x": np.ones((1, WIDTH), np.float32)}, carried)
    return session


def measured(session: OrtSession) -> float:
    """Seconds of one call as the agent times it."""
    found = time_slice(session.run, RealClock(), samples=CALLS, max_seconds=60.0, warmup_seconds=0.0)
    return found.wall_seconds / len(found.seconds)


def bare(session: OrtSession) -> float:
    """Seconds of one call in a loop that does nothing else."""
    first, second = session._calls[0], session._calls[-1]
    first()
    start = time.perf_counter_ns()
    for _ in range(CALLS // 2):
        first()
        second()
    return (time.perf_counter_ns() - start) / 1e9 / (CALLS // 2 * 2)


def main() -> int:
    """Measure in interleaved rounds, print a line each, and say whether the bound holds."""
    order = random.Random(0)
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        sessions = {states: bound(Path(scratch), states) for states in STATES}
        ways: dict[str, Callable[[OrtSession], float]] = {"measured": measured, "bare": bare}
        taken: dict[tuple[int, str], list[float]] = {(states, way): [] for states in STATES for way in ways}
        for turn in range(-3, ROUNDS):
            for states, way in order.sample(list(taken), len(taken)):
                seconds = ways[way](sessions[states])
                if turn >= 0:
                    taken[states, way].append(seconds)
    for states in STATES:
        ours, theirs = taken[states, "measured"], taken[states, "bare"]
        added = [one - other for one, other in zip(ours, theirs, strict=True)]
        found = middle(added)
        failed |= found.low > BOUND_SECONDS
        print(
            f"harness, {states} states: {statistics.median(ours) * 1e6:.2f} us measured / "
            f"{statistics.median(theirs) * 1e6:.2f} us bare: adds {found.value * 1e6:.2f} us "
            f"[{found.low * 1e6:.2f}, {found.high * 1e6:.2f}] over {ROUNDS} rounds, bound {BOUND_SECONDS * 1e6:.0f} us"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
