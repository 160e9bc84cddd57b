"""Tracing: a PyTorch module becomes an ONNX graph, by ``torch.onnx.export(dynamo=True)`` at opset 18.

Traps that shaped this file: an example of batch or length 1 specialises the graph without a word (0/1
specialisation), as does one size shared by two dynamic axes; the stock ``nn.LSTM`` hides its weights (see
:mod:`edgekit_export.graph.lstm`); asking dynamo for an opset below 18 is a best-effort down-conversion.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from edgekit_export.families.contract import StepForm
from edgekit_export.graph.swap import swap_recurrent
from edgekit_targets.extras import require

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18
INPUT = "x"
OUTPUT = "logits"
STEP_BATCH = 6
"""The batch that every stream graph is traced at; parity is checked at others."""
_DTYPES = {"float32": torch.float32, "int64": torch.int64, "bool": torch.bool}
_NOISY_LOGGER = "torch.onnx._internal.exporter._registration"


def trace(
    module: nn.Module, example: Tensor, *, dynamic: Mapping[int, str], outputs: Sequence[str] = (OUTPUT,)
) -> ModelProto:
    """Export ``module`` with one input ``x`` and one output ``logits``; the module itself is never changed.

    Args:
        module: maps ``example`` to one tensor, or to as many as ``outputs`` names.
        example: input, for example ``[batch, length, features]`` float32.
        dynamic: the names of the axes of ``example`` that vary, ``{0: "batch", 1: "length"}``. Those axes must have
            distinct sizes of at least 2 in ``example``.
        outputs: names of what ``module`` gives, in its order.

    Raises:
        InputError: an ``nn.LSTM`` without an ONNX form.
        MissingExtra: onnx or onnxscript is not installed.
        ValueError: ``example`` would specialise the graph.
    """
    sizes = [example.shape[axis] for axis in dynamic]
    if min(sizes, default=2) < 2 or len(set(sizes)) != len(sizes):
        raise ValueError(f"dynamic axes need distinct example sizes of at least 2, not {sizes}")
    dimensions = {axis: torch.export.Dim(name) for axis, name in dynamic.items()}
    return _export(module, (example,), (dimensions,), inputs=[INPUT], outputs=outputs)


def trace_step(form: StepForm, example: Tensor) -> ModelProto:
    """Export the stream form of a module: ``x`` and the states in, ``logits`` and the states out.

    Args:
        form: of the module.
        example: one step of :data:`STEP_BATCH` streams, [batch, features] or token ids [batch].

    Raises:
        MissingExtra: onnx or onnxscript is not installed.
    """
    batch = torch.export.Dim("batch")
    # A tensor of its own for every state: one that stands for two would wire both to one input.
    examples = [
        torch.zeros([size if isinstance(size, int) else STEP_BATCH for size in state.shape], dtype=_DTYPES[state.dtype])
        for state in form.states
    ]
    free = [{axis: batch for axis, size in enumerate(state.shape) if size == "batch"} for state in form.states]
    return _export(
        form.module,
        (example, examples),
        ({0: batch}, free),
        inputs=[INPUT, *(state.input for state in form.states)],
        outputs=[OUTPUT, *(state.output for state in form.states)],
    )


def _export(
    module: nn.Module, example: tuple[Any, ...], dynamic: Any, *, inputs: Sequence[str], outputs: Sequence[str]
) -> ModelProto:
    require("onnx")
    require("onnxscript")
    with _quiet():
        program = torch.onnx.export(
            swap_recurrent(module),
            example,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=dynamic,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export(dynamo=True) returned no program")
    return program.model_proto


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks about packages that edgekit does not use from the user; nothing else is hidden."""
    logger = logging.getLogger(_NOISY_LOGGER)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LeafSpec.* is deprecated", category=FutureWarning)
            # Every state shares the batch with x on purpose; the exporter names it once and says so for the others.
            warnings.filterwarnings("ignore", message=".*The axis name: batch will not be used", category=UserWarning)
            yield
    finally:
        logger.setLevel(level)
