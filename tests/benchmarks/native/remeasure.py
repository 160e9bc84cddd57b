"""One process that measures one file again without any of edgekit's code, and prints what it found as JSON.

usage: remeasure.py onnxruntime|openvino MODEL THREADS SAMPLES DATA, with DATA an .npz of ``x`` [samples, length,
features] and ``y`` [samples]. Times are those of the runtime's own bound call on one window, in seconds; memory is the
kernel's high-water mark over loading and running above what was resident once the runtime was imported, in bytes;
accuracy is the share of ``x``, one at a time, that is answered right.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WARMUP_SECONDS = 0.1
Answer = Callable[[Any], Any]


def resident(field: str) -> int:
    """A line of ``/proc/self/status`` in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"/proc/self/status has no {field}")


def with_onnxruntime(model: str, threads: int, window: Any) -> tuple[Callable[[], object], Answer]:
    """A bound call with the shapes fixed, and a plain one."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.add_free_dimension_override_by_name("batch", window.shape[0])
    settings.add_free_dimension_override_by_name("length", window.shape[1])
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("x", window)
    binding.bind_output("logits")
    return lambda: session.run_with_iobinding(binding), lambda x: session.run(["logits"], {"x": x})[0]


def with_openvino(model: str, threads: int, window: Any) -> tuple[Callable[[], object], Answer]:
    """A bound call with the shapes fixed, and a plain one."""
    import openvino

    core = openvino.Core()
    read = core.read_model(model)
    read.reshape({"x": list(window.shape)})
    config = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": threads}
    compiled = core.compile_model(read, "CPU", config | {"INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    request.set_tensor("x", openvino.Tensor(window, shared_memory=True))
    return lambda: request.infer(share_outputs=True), lambda x: compiled(x)["logits"]


def main() -> None:
    """Measure and print."""
    runtime, model, threads, samples, data = sys.argv[1:]
    with np.load(data) as arrays:
        x, y = arrays["x"], arrays["y"]
    window = np.ascontiguousarray(x[:1])
    if runtime == "onnxruntime":
        import onnxruntime  # noqa: F401
    else:
        import openvino

        openvino.Core().get_versions("CPU")
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    run, answer = {"onnxruntime": with_onnxruntime, "openvino": with_openvino}[runtime](model, int(threads), window)
    run()
    end = time.perf_counter() + WARMUP_SECONDS
    while time.perf_counter() < end:
        run()
    gc.disable()
    taken = []
    for _ in range(int(samples)):
        start = time.perf_counter_ns()
        run()
        taken.append(time.perf_counter_ns() - start)
    added = resident("VmHWM") - before
    right = [int(np.argmax(answer(np.ascontiguousarray(one[None])))) == label for one, label in zip(x, y, strict=True)]
    print(
        json.dumps({"seconds": [one / 1e9 for one in taken], "added_bytes": added, "accuracy": float(np.mean(right))})
    )


if __name__ == "__main__":
    main()
