"""The plainest Python loop on a runtime's own bound call, by the standard library's ``timeit``, without edgekit.

usage: plain_python.py onnxruntime|openvino MODEL SPEC fixed|free, with the SPEC and the standard input of ort_loop.c
"""

from __future__ import annotations

import itertools
import sys
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

DTYPES = {1: np.float32, 7: np.int64, 9: np.bool_}


def read_spec(path: Path) -> tuple[dict[str, Any], dict[str, Any], list[tuple[str, str]]]:
    """The input and output arrays by name, and the states."""
    arrays: dict[str, dict[str, Any]] = {"in": {}, "out": {}}
    states = []
    for line in path.read_text().splitlines():
        kind, name, *rest = line.split()
        if kind == "state":
            states.append((name, rest[0]))
            continue
        shape, dtype = tuple(map(int, rest[3:])), DTYPES[int(rest[0])]
        arrays[kind][name] = np.zeros(shape, dtype) if rest[2] == "-" else np.fromfile(rest[2], dtype).reshape(shape)
    for source, goal in states:
        arrays["out"][goal][...] = arrays["in"][source]
    return arrays["in"], arrays["out"], states


def turns(spec: tuple[dict[str, Any], dict[str, Any], list[tuple[str, str]]]) -> Iterator[tuple[Any, Any]]:
    """What each turn reads and writes; with states there are two, which read what the other wrote."""
    inputs, outputs, states = spec
    yield inputs, outputs
    if states:
        yield (
            inputs | {source: outputs[goal] for source, goal in states},
            outputs | {goal: inputs[source] for source, goal in states},
        )


def onnxruntime_call(model: str, spec: Any, fixed: bool) -> Callable[[], object]:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    assert not fixed, "the C loop leaves the shapes free"
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    bindings = []
    for reads, writes in turns(spec):
        binding = session.io_binding()
        for name, array in reads.items():
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        for name, array in writes.items():
            binding.bind_ortvalue_output(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        bindings.append(binding)
    each = itertools.cycle(bindings)
    return lambda: session.run_with_iobinding(next(each))


def openvino_call(model: str, spec: Any, fixed: bool) -> Callable[[], object]:
    import openvino

    core = openvino.Core()
    read = core.read_model(model)
    if fixed:
        read.reshape({name: list(array.shape) for name, array in spec[0].items()})
    config = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": 1}
    compiled = core.compile_model(read, "CPU", config | {"INFERENCE_PRECISION_HINT": "f32"})
    requests = []
    for reads, writes in turns(spec):
        request = compiled.create_infer_request()
        for name, array in (reads | writes).items():
            request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
        requests.append(request)
    each = itertools.cycle(requests)
    return lambda: next(each).infer(share_outputs=True)


def main() -> None:
    """Answer lines until the input ends."""
    runtime, model, path, shapes = sys.argv[1:]
    spec = read_spec(Path(path))
    call = {"onnxruntime": onnxruntime_call, "openvino": openvino_call}[runtime](model, spec, shapes == "fixed")
    timer = timeit.Timer(call)
    print("ready", flush=True)
    for line in sys.stdin:
        samples, warmup = map(int, line.split())
        timer.repeat(warmup, 1)
        print(*(round(one * 1e9) for one in timer.repeat(samples, 1)), flush=True)


if __name__ == "__main__":
    main()
