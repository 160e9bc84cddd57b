"""From a user's module to a clean ONNX graph, or to one line that says which part of it stands in the way."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn
from torch.export import Dim
from torch.utils import _pytree as pytree

from edgekit_export.graph.clean import clean
from edgekit_export.graph.packed import packed_twins
from edgekit_export.graph.split_weights import split_weights
from edgekit_export.graph.swap import swap_recurrent
from edgekit_export.graph.trace import OPSET
from edgekit_export.users.axes import Axes
from edgekit_export.users.blame import first_line, innermost, name_of
from edgekit_export.users.draw import BATCH, LENGTH, draw
from edgekit_export.users.model import UserModel
from edgekit_targets.errors import InputError
from edgekit_targets.extras import require

if TYPE_CHECKING:
    from onnx import ModelProto

_FIXED: Final = re.compile(r"L\['([^']+)'\](\[[^.]*\])?\.size\(\)\[(\d+)\] as dynamic but .* constant \((\d+)\)")
_OPERATOR: Final = re.compile(r"No ONNX function found for <OpOverload\(op='([^']+)'")
_DECODERS = (nn.TransformerDecoder, nn.TransformerDecoderLayer)
_MASKED = (nn.TransformerEncoder, nn.TransformerEncoderLayer, *_DECODERS)


def trace_user(model: UserModel, axes: Axes) -> ModelProto:
    """The clean graph of ``model``: inputs and outputs under their names, varying axes as "batch" and "length".

    Raises:
        InputError: something in the module has no form in a graph, or fixes an axis that varies; it is named.
    """
    require("onnx")
    require("onnxscript")
    try:
        twin = swap_recurrent(model.module)
    except InputError as error:
        raise InputError(f"{model.source}: {error}") from error
    sample = draw(model.inputs, axes.inputs, *trace_sizes(model, axes), 4)
    arguments = model.arguments([sample[name] for name in model.inputs])
    hints = model.arguments([dict.fromkeys(axes.inputs[name], Dim.DYNAMIC) for name in model.inputs])
    outputs = list(axes.outputs)
    with _silence(), packed_twins():
        try:
            program = _export(twin, arguments, hints)
        except InputError as error:
            raise InputError(f"{model.source}: {error}") from error
        except Exception as error:  # torch.export has no common base for what it raises
            raise InputError(f"{model.source}: {_why(model, axes, twin, sample, error)}") from error
        try:
            made = torch.onnx.export(
                program,
                (),
                kwargs=arguments,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(model.inputs),
                output_names=outputs,
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # likewise
            raise InputError(f"{model.source}: {_no_form(model, program, error)}") from error
    assert made is not None
    result = split_weights(clean(made.model_proto))
    _rename(result, axes)
    return result


def trace_sizes(model: UserModel, axes: Axes) -> tuple[int, int | None]:
    """Batch and length to trace at: at least 2, and no size that another axis has, since equal sizes become one."""
    others = {
        size for name, value in model.inputs.items() for a, size in enumerate(value.shape) if a not in axes.inputs[name]
    }
    batch = next(size for size in (6, 5, 7, 11, 13, 17, 19) if size not in others)
    if axes.length is None:
        return batch, None
    for length in (axes.length, *range(axes.length + 1, axes.length + 9), *range(axes.length - 1, 1, -1)):
        if length < 2 or length == batch or length in others:
            continue
        with contextlib.suppress(Exception):  # a length that the module does not take is not one to trace at
            model.call(draw(model.inputs, axes.inputs, batch, length, 4))
            return batch, length
    return batch, axes.length


def _export(module: nn.Module, arguments: Mapping[str, Any], hints: Mapping[str, Any]) -> torch.export.ExportedProgram:
    return torch.export.export(module, (), dict(arguments), dynamic_shapes=dict(hints), strict=False)


def _why(model: UserModel, axes: Axes, twin: nn.Module, sample: Mapping[str, Any], error: Exception) -> str:
    """What stands in the way of tracing, with the module and the remedy."""
    text = str(error)
    fixed = _FIXED.search(text)
    if fixed is not None:
        name = next((one for one in model.inputs if one == fixed[1] or one.startswith(f"{fixed[1]}_")), fixed[1])
        axis = int(fixed[3])
        role = axes.inputs.get(name, {}).get(axis, LENGTH)
        fixing = twin.get_submodule(_fixing(model, axes, twin, sample))
        why = (
            "PyTorch unrolls nn.RNN step by step; use nn.GRU or nn.LSTM"
            if isinstance(fixing, nn.RNN)
            else "a Python loop over it, or its size used as a number; use operators on the whole sequence (nn.LSTM "
            "instead of nn.LSTMCell in a loop, x.shape inside reshape)"
        )
        return f"input {name}: axis {axis} ({role}) became fixed at {fixed[4]} in {name_of(twin, fixing)}: {why}"
    part = innermost(twin, error)
    place = name_of(twin, part)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"GuardOnDataDependentSymNode", "DataDependentOutputException"} or "data-dependent" in text.lower():
        if isinstance(part, _MASKED):
            option = "tgt_is_causal" if isinstance(part, _DECODERS) else "is_causal"
            return (
                f"{place}: an explicit mask without {option} makes PyTorch look at the mask's values, which blocks a "
                f"dynamic length; pass {option}=True with a causal mask, {option}=False with any other"
            )
        return (
            f"{place}: data-dependent control flow{_line_of(twin, error)}: a Python if, loop or number that depends on "
            "the values of a tensor; use torch.where, masking or torch.cond"
        )
    return f"{place} cannot be traced: {first_line(error)}"


def _line_of(root: nn.Module, error: BaseException) -> str:
    """The line of the user's own code that the traceback last passed, as `` (file.py, line 12)``."""
    part, found, step = innermost(root, error), "", error.__traceback__
    while step is not None:
        if step.tb_frame.f_locals.get("self") is part and "/torch/" not in step.tb_frame.f_code.co_filename:
            found = f" ({step.tb_frame.f_code.co_filename.rpartition('/')[2]}, line {step.tb_lineno})"
        step = step.tb_next
    return found


def _fixing(model: UserModel, axes: Axes, twin: nn.Module, sample: Mapping[str, Any]) -> str:
    """The path of the innermost module that fixes an axis when it is traced alone on what it was given."""
    given: dict[int, tuple[Any, Any]] = {}

    def look(module: nn.Module, positional: Any, named: Any) -> None:
        given.setdefault(id(module), (positional, named))

    hooks = [module.register_forward_pre_hook(look, with_kwargs=True) for module in model.module.modules()]
    try:
        model.call(sample)
    finally:
        for hook in hooks:
            hook.remove()
    sizes = {size for size in trace_sizes(model, axes) if size is not None}
    paths = {name: given[id(module)] for name, module in model.module.named_modules() if id(module) in given}
    # Inner modules stand behind outer ones in this order, so the last that fixes an axis is an innermost one.
    found = ""
    for name in paths:
        if (
            name.startswith(f"{found}." if found else "")
            and name
            and _fixes(twin.get_submodule(name), *paths[name], sizes)
        ):
            found = name
    return found


def _fixes(module: nn.Module, positional: Any, named: Any, sizes: set[int]) -> bool:
    def hints(values: Any) -> Any:
        return pytree.tree_map(
            lambda leaf: (
                {a: Dim.DYNAMIC for a, n in enumerate(leaf.shape) if n in sizes}
                if isinstance(leaf, torch.Tensor)
                else None
            ),
            values,
        )

    try:
        torch.export.export(
            module, positional, named, dynamic_shapes=_spread(module, hints(positional), hints(named)), strict=False
        )
    except Exception as error:  # whatever it raises; only that one sentence matters
        return _FIXED.search(str(error)) is not None
    return False


def _spread(module: nn.Module, positional: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    import inspect

    signature = inspect.signature(module.forward)
    return dict(signature.bind(*positional, **named).arguments)


def _no_form(model: UserModel, program: torch.export.ExportedProgram, error: Exception) -> str:
    text = _whole_text(error)
    missing = _OPERATOR.search(text)
    if missing is None:
        return f"its graph cannot be converted to ONNX: {first_line(error)}"
    operator, place = missing[1], "the model"
    for node in program.graph.nodes:
        if str(node.target).startswith(operator.replace("::", ".")):
            stack = list((node.meta.get("nn_module_stack") or {}).values())
            if stack:
                path, kind = stack[-1][0], stack[-1][1]
                name = kind if isinstance(kind, str) else kind.__name__
                place = f"{path or 'the model'} ({name.rpartition('.')[2]})"
    return (
        f"{place}: the operator {operator.replace('.', '::')} has no ONNX form; write it with PyTorch's own operators"
    )


def _whole_text(error: BaseException) -> str:
    parts: list[str] = []
    found: BaseException | None = error
    while found is not None:
        parts.append(str(found))
        found = found.__cause__
    return "\n".join(parts)


def _rename(graph: ModelProto, axes: Axes) -> None:
    """Give the axes that vary the names ``batch`` and ``length``, in the outputs' expressions too.

    Raises:
        InputError: an axis that varies in PyTorch is declared with a fixed size.
    """
    names: dict[str, str] = {}
    for value in graph.graph.input:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            role = axes.inputs.get(value.name, {}).get(axis)
            if role is None:
                continue
            if dim.dim_param:
                names.setdefault(dim.dim_param, role)
            dim.dim_param = role
    for value in graph.graph.output:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            role = axes.outputs.get(value.name, {}).get(axis)
            if dim.dim_param:
                text = re.sub(r"\w+", lambda found: names.get(found[0], found[0]), dim.dim_param)
                dim.dim_param = text if role != BATCH else BATCH
            elif role is not None:
                raise InputError(f"output {value.name}: axis {axis} ({role}) became fixed at {dim.dim_value}")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep torch's own account of a failure off the terminal: the one line that is raised says it."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
