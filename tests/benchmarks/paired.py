"""A model against itself, and against one that does 5 % more, with the real agent and ONNX Runtime.

What the fake device shows of 200 runs (``tests/edgekit/profiling/test_comparisons.py``) is held against a real machine
here: two copies of one file must not be told apart, and a file with twenty-one of the layers must be found slower than
one with twenty, unless the machine is too noisy to tell. Run by ``make bench``; exits 1 when a copy is called faster or
slower, or when more work is called faster.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit.statistics.paired import ratio
from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.progress import silent
from edgekit_targets.types.profile import Measurement

WIDTH, LAYERS = 192, 20
PLAN = Plan(launches=16, rounds=6, samples=16 * 6 * 150, seconds=16 * 6 * 0.1)


def save(path: Path, layers: int) -> None:
    """A stack of linear layers."""
    rng = np.random.default_rng(0)
    nodes, weights, last = [], [], "x"
    for layer in range(layers):
        value = (rng.normal(size=(WIDTH, WIDTH)) / WIDTH**0.5).astype(np.float32)
        weights.append(numpy_helper.from_array(value, f"w{layer}"))
        nodes += [helper.make_node("MatMul", [last, f"w{layer}"], [f"m{layer}"])]
        nodes += [helper.make_node("Tanh", [f"m{layer}"], [f"h{layer}"])]
        last = f"h{layer}"
    shape: list[str | int | None] = ["batch", WIDTH]
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, shape)],
        weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)


def rounds(one: Measurement) -> dict[tuple[int, int], tuple[float, ...]]:
    assert one.latency is not None
    places = zip(one.latency.launch_of, one.latency.round_of, strict=True)
    return dict(zip(places, one.latency.raw_seconds, strict=True))


def main() -> int:
    """Measure the three together and print what comes of it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, layers in (("one", LAYERS), ("more", LAYERS + 1)):
            save(folder / f"{name}.onnx", layers)
        shutil.copy(folder / "one.onnx", folder / "copy.onnx")
        models = tuple(str(folder / f"{name}.onnx") for name in ("one", "copy", "more"))
        export(ExportRequest(models=models, out=folder / "bundle"), silent)
        with LocalAgent() as agent:
            found = profile(folder / "bundle", agent, targets=["cpu"], plan=PLAN, progress=silent)
    taken = {one.family: one for one in found.measurements}
    failed = False
    for name, wrong in (("copy", ("faster", "slower")), ("more", ("faster",))):
        one = ratio(rounds(taken[name]), rounds(taken["one"]))
        assert one is not None
        span = "no interval" if one.low is None or one.high is None else f"[{one.low:.3f}, {one.high:.3f}]"
        disturbed = max(taken[each].disturbed or 0.0 for each in (name, "one"))
        print(
            f"{name} / one: {one.value:.3f} {span} over {one.launches} launches: {one.standing} "
            f"(disturbed {disturbed:.0%} of the time)"
        )
        failed |= one.standing in wrong
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
