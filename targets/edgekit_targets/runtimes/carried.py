"""States that a stream carries from step to step, in two sets of buffers that take turns.

Both sets are bound once: what one step writes the next one reads, and nothing is bound, copied or allocated between
steps. Binding sixteen caches again on every step would cost more than a small model's step does. A state that may be
written in place has one buffer for both turns: nothing is copied that the step does not change.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes.contract import Array, Shapes
from edgekit_targets.types.manifest import State, Tensor

DTYPES = ("float32", "int64", "bool")
_MAX_ELEMENTS = 1 << 28


@dataclass(frozen=True, kw_only=True, eq=False)
class Turn:
    """What one step reads (by the name of the input) and where it writes (by the name of the output)."""

    reads: Mapping[str, Array]
    writes: Mapping[str, Array]


class Carried:
    """The state buffers of one bound model. ``turns`` has two entries, or a single empty one without states."""

    def __init__(
        self,
        states: Sequence[State],
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        feeds: Mapping[str, Array],
        *,
        in_place: bool = False,
    ) -> None:
        """Allocate and reset the buffers.

        Args:
            states: which inputs and outputs belong together.
            inputs: what the model declares.
            outputs: likewise.
            feeds: the arrays of the other inputs; a named dimension of a state has the size it has there.
            in_place: whether the runtime writes a state into the buffer it reads it from, where the state allows it.

        Raises:
            InputError: a state that the model does not have, or whose size does not follow from the feeds.
        """
        self._states = tuple(states)
        _check(self._states, inputs, outputs)
        sizes = _sizes(inputs, {name: value.shape for name, value in feeds.items()})
        shared = {state.input: _buffer(state, sizes) for state in states if in_place and state.in_place}
        self._sets = tuple(
            {state.input: shared[state.input] if state.input in shared else _buffer(state, sizes) for state in states}
            for _ in range(2 if states else 1)
        )
        self.turns = tuple(
            Turn(reads=own, writes={state.output: other[state.input] for state in states})
            for own, other in zip(self._sets, reversed(self._sets), strict=True)
        )
        self.reset()

    def reset(self) -> None:
        """Fill every state with its initial value, in both sets, so that either may be read next."""
        for buffers in self._sets:
            for state in self._states:
                buffers[state.input][...] = state.initial


def fed(inputs: Sequence[Tensor], states: Sequence[State]) -> tuple[Tensor, ...]:
    """The inputs that are not carried."""
    carried = {state.input for state in states}
    return tuple(tensor for tensor in inputs if tensor.name not in carried)


def input_shapes(inputs: Sequence[Tensor], states: Sequence[State], shapes: Shapes) -> Shapes:
    """The shape of every input, where ``shapes`` has those of the inputs that are not carried.

    Raises:
        InputError: the size of a state does not follow from the others.
    """
    sizes = _sizes(inputs, shapes)
    return {**shapes, **{state.input: _shape(state, sizes) for state in states}}


def alternate(calls: Sequence[Callable[[], object]]) -> Callable[[], object]:
    """One callable that makes the calls in turn; a single call is given back as it is."""
    if len(calls) == 1:
        return calls[0]
    next_call = itertools.cycle(calls).__next__
    return lambda: next_call()()


def _check(states: Sequence[State], inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    ins, outs = {tensor.name: tensor for tensor in inputs}, {tensor.name: tensor for tensor in outputs}
    for state in states:
        if state.input not in ins or state.output not in outs:
            raise InputError(f"the model has no state {state.input} -> {state.output}; export it again")
        if state.dtype not in DTYPES or state.dtype != ins[state.input].dtype:
            raise InputError(f"state {state.input} is {ins[state.input].dtype} in the model, not {state.dtype}")
    if any(len({getattr(state, end) for state in states}) != len(states) for end in ("input", "output")):
        raise InputError("two states share an input or an output of the model; export it again")


def _sizes(inputs: Sequence[Tensor], shapes: Shapes) -> dict[str, int]:
    return {
        name: size
        for tensor in inputs
        if tensor.name in shapes
        for name, size in zip(tensor.shape, shapes[tensor.name], strict=True)
        if isinstance(name, str)
    }


def _buffer(state: State, sizes: Mapping[str, int]) -> Array:
    return np.empty(_shape(state, sizes), state.dtype)


def _shape(state: State, sizes: Mapping[str, int]) -> tuple[int, ...]:
    unknown = [name for name in state.shape if isinstance(name, str) and name not in sizes]
    if unknown:
        raise InputError(f"state {state.input}: no other input has a dimension {unknown[0]} to take its size from")
    shape = tuple(size if isinstance(size, int) else sizes[size] for size in state.shape)
    if any(size < 1 for size in shape) or math.prod(shape) > _MAX_ELEMENTS:
        raise InputError(f"state {state.input} of shape {'x'.join(map(str, shape))} cannot be held")
    return shape
