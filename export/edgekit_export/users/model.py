"""A user's module with the inputs it is called with, each under a name."""

from __future__ import annotations

import copy
import inspect
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils import _pytree as pytree

from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Weights

DTYPES = (torch.float32, torch.int64, torch.int32, torch.bool)


@dataclass(frozen=True, kw_only=True, eq=False)
class UserModel:
    """A copy of the user's module in eval mode, never the module itself.

    ``inputs`` are the example's tensors by name. ``spec`` puts them back into the arguments of ``forward``. ``source``
    is what the user typed, for messages.
    """

    source: str
    family: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    spec: pytree.TreeSpec
    weights: Weights

    def arguments(self, values: Sequence[Any]) -> dict[str, Any]:
        """The arguments of ``forward`` by parameter; ``values`` stand where the inputs do, in their order."""
        arguments: dict[str, Any] = pytree.tree_unflatten(list(values), self.spec)
        return arguments

    def call(self, tensors: Mapping[str, Tensor], module: nn.Module | None = None) -> dict[str, Tensor]:
        """The outputs by name, without gradients and without the shortcuts that PyTorch takes only in inference.

        Those answer zeros at padded steps where the module's own arithmetic does not (``nn.TransformerEncoder`` with
        ``enable_nested_tensor``).

        Raises:
            InputError: an output that is no tensor of numbers.
        """
        arguments = self.arguments([tensors[name] for name in self.inputs])
        called = self.module if module is None else module
        positional, named = _call_form(called, arguments)
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            with torch.no_grad(), warnings.catch_warnings():
                # What torch says of a user's module (what is deprecated, say) is no part of edgekit's answer.
                warnings.filterwarnings("ignore", category=UserWarning, module=r"torch\b")
                answer = called(*positional, **named)
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
        return name_outputs(answer, self.source, tuple(self.inputs))


def make(source: str, family: str, module: nn.Module, example: Any, weights: Weights) -> UserModel:
    """Copy ``module``, and give the tensors of its ``example`` names.

    Args:
        source: what the user typed.
        family: the name of the artifacts.
        module: left as it is.
        example: a tensor, a tuple of positional arguments, or a mapping of named ones.
        weights: where they come from.

    Raises:
        InputError: a module that cannot be copied, weights that are not float32, or an example that does not fit
            ``forward``.
    """
    try:
        clone = copy.deepcopy(module).to("cpu").eval()
    except (RuntimeError, TypeError, AttributeError) as error:
        raise InputError(f"{source}: the module cannot be copied ({_first_line(error)}); detach its tensors") from error
    for name, value in clone.named_parameters():
        if value.is_floating_point() and value.dtype is not torch.float32:
            raise InputError(f"{source}: {name} is {_plain(value.dtype)}; call .float() on the module")
    arguments = _bind(source, clone, example)
    leaves, spec = pytree.tree_flatten(arguments)
    names = _names(arguments)
    inputs: dict[str, Tensor] = {}
    for name, value in zip(names, leaves, strict=True):
        if not isinstance(value, Tensor):
            raise InputError(
                f"{source}: the example's {name} is {type(value).__name__}, not a tensor; set it in the module and "
                "leave it out of the example"
            )
        if value.dtype not in DTYPES:
            raise InputError(
                f"{source}: the example's {name} is {_plain(value.dtype)}; pass float32, int64, int32 or bool"
            )
        if value.dim() == 0 or 0 in value.shape:
            raise InputError(
                f"{source}: the example's {name} has no axis that counts samples; give it one, batch first"
            )
        inputs[name] = value.detach().cpu().clone().contiguous()
    if not inputs:
        raise InputError(f"{source}: the example holds no tensor; return (module, example_inputs)")
    return UserModel(source=source, family=family, module=clone, inputs=inputs, spec=spec, weights=weights)


def parameters_of(module: nn.Module) -> list[inspect.Parameter]:
    """What ``forward`` takes."""
    return list(inspect.signature(module.forward).parameters.values())


def name_outputs(answer: Any, source: str, taken: Sequence[str]) -> dict[str, Tensor]:
    """The tensors of an answer, however nested: ``output``, or its keys and fields, or ``output_0`` and so on.

    Raises:
        InputError: something in it is neither a tensor nor None, or there is no tensor in it.
    """
    leaves = [(path, leaf) for path, leaf in pytree.tree_flatten_with_path(answer)[0] if leaf is not None]
    named: dict[str, Tensor] = {}
    for number, (path, leaf) in enumerate(leaves):
        if not isinstance(leaf, Tensor):
            raise InputError(f"{source}: forward gives {type(leaf).__name__}; it must give tensors only")
        keys = [str(getattr(key, "key", getattr(key, "name", ""))) for key in path]
        name = re.sub(r"\W+", "_", "_".join(filter(None, keys)))
        if not name:
            name = "output" if len(leaves) == 1 else f"output_{number}"
        while name in taken or name in named:
            name = f"{name}_out"
        named[name] = leaf
    if not named:
        raise InputError(f"{source}: forward gives no tensor; return what is to be computed")
    return named


def _call_form(module: nn.Module, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """``arguments`` as ``forward`` takes them: some parameters have no name to pass them by."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    kinds = {parameter.name: parameter.kind for parameter in parameters_of(module)}
    for name, value in arguments.items():
        kind = kinds.get(name)
        if kind is inspect.Parameter.VAR_POSITIONAL:
            positional += value
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named |= value
        elif kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) and not named:
            positional.append(value)
        else:
            named[name] = value
    return positional, named


def _bind(source: str, module: nn.Module, example: Any) -> dict[str, Any]:
    """The arguments by parameter; a None that is the parameter's default is left out."""
    if isinstance(example, Tensor):
        example = (example,)
    if any(isinstance(one, PackedSequence) for one in _values(example)):
        raise InputError(
            f"{source}: the example holds a PackedSequence; give the padded tensor and its lengths, and call "
            "pack_padded_sequence inside forward"
        )
    signature = inspect.signature(module.forward)
    try:
        if isinstance(example, Mapping):
            bound = signature.bind(**example)
        elif isinstance(example, list | tuple):
            bound = signature.bind(*example)
        else:
            raise InputError(
                f"{source}: example_inputs is {type(example).__name__}; give a tensor, a tuple of positional or a dict "
                "of named arguments"
            )
    except TypeError as error:
        raise InputError(f"{source}: the example does not fit forward{signature}: {error}") from error
    return {name: value for name, value in bound.arguments.items() if value is not None}


def _values(example: Any) -> list[Any]:
    return list(
        example.values() if isinstance(example, Mapping) else example if isinstance(example, tuple | list) else ()
    )


def _names(arguments: Mapping[str, Any]) -> list[str]:
    names: list[str] = []
    for path, _ in pytree.tree_flatten_with_path(dict(arguments))[0]:
        keys = [str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", "")))) for key in path]
        names.append(re.sub(r"\W+", "_", "_".join(keys)))
    return names


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
