"""Which inputs and outputs of a file from elsewhere are one state, carried from step to step.

Given with ``--state in=out``, or recognised: an input and an output of the same type whose shapes agree, and whose
names are the same word for something remembered (``h`` and ``hn``, ``state`` and ``stateN``, ``past_key`` and
``present_key``) once what says in or out, before or after is taken off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edgekit_export.shapes import Shape
from edgekit_targets.errors import InputError
from edgekit_targets.runtimes.carried import DTYPES
from edgekit_targets.types.manifest import State, Tensor

_SIDE: Final = re.compile(
    r"(?<![a-z])(?:in|input|inputs|out|output|outputs|next|new|prev|previous|past|present|cur|current|initial|init|"
    r"final|last|old|updated)(?![a-z])"
)
_WORDS: Final = re.compile(
    r"state|hidden|cell|cache|memory|\bmem\b|context|buffer|lstm|gru|rnn|past|present|key|value|(?:^|[^a-z])[hc]\d*n?(?:$|[^a-z])"
)


def find_states(
    file: Path,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    given: Mapping[str, str],
    shapes: Mapping[str, Shape],
) -> tuple[State, ...]:
    """The states of a file, each reset to zeros.

    A dimension of a state that another input has too keeps its name, every other free one is what ``shapes`` says of
    that state, or 1: a stream runs one sequence.

    Args:
        file: for messages.
        inputs: declared.
        outputs: declared.
        given: ``--state`` pairs, output by input; with any of this file's, nothing is guessed.
        shapes: ``--shape`` values by input name.

    Raises:
        InputError: a pair that the file does not have, or whose types or shapes disagree.
    """
    by_name = {tensor.name: tensor for tensor in inputs}
    own = {i: o for i, o in given.items() if i in by_name}
    pairs = _checked(file, by_name, outputs, own) if own else _recognised(inputs, outputs)
    states = {before.name for before, _ in pairs}
    shared = {size for tensor in inputs if tensor.name not in states for size in tensor.shape if isinstance(size, str)}
    found = []
    for before, after in pairs:
        named = shapes.get(before.name)
        sizes: list[int | str] = []
        for axis, size in enumerate(before.shape):
            if isinstance(size, int):
                sizes.append(size)
            elif named is not None and axis < len(named):
                sizes.append(named[axis])
            elif size in shared:
                sizes.append(size)
            else:
                other = after.shape[axis]
                sizes.append(other if isinstance(other, int) else 1)
        found.append(State(input=before.name, output=after.name, shape=tuple(sizes), dtype=before.dtype, initial=0.0))
    return tuple(found)


def _checked(
    file: Path, inputs: Mapping[str, Tensor], outputs: Sequence[Tensor], given: Mapping[str, str]
) -> list[tuple[Tensor, Tensor]]:
    by_name = {tensor.name: tensor for tensor in outputs}
    pairs = []
    for before, after in given.items():
        option = f"--state {before}={after}"
        if after not in by_name:
            raise InputError(f"{option}: {file.name} has no output {after}; its outputs are {', '.join(by_name)}")
        if not _agree(inputs[before], by_name[after]):
            a, b = inputs[before], by_name[after]
            raise InputError(
                f"{option}: {file.name} declares {a.dtype} {list(a.shape)} and {b.dtype} {list(b.shape)}; a state has "
                "one type and shape"
            )
        pairs.append((inputs[before], by_name[after]))
    if len({after.name for _, after in pairs}) != len(pairs):
        raise InputError(f"--state names one output of {file.name} twice; give each state its own")
    if len(pairs) == len(inputs):
        raise InputError(f"--state: every input of {file.name} would be a state; leave one to be fed")
    return pairs


def _recognised(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    pairs: list[tuple[Tensor, Tensor]] = []
    for before in inputs:
        if not _WORDS.search(before.name.lower()):
            continue
        matches = [after for after in outputs if _agree(before, after) and _keys(before.name) & _keys(after.name)]
        if len(matches) == 1 and matches[0] not in [after for _, after in pairs]:
            pairs.append((before, matches[0]))
    # A file that would have nothing left to feed or to tell is one whose names only look like states.
    return pairs if len(pairs) < len(inputs) and len(pairs) < len(outputs) else []


def _keys(name: str) -> set[str]:
    """What is left of a name without the words for in and out, and without a last ``n``, ``0`` or ``t``."""
    plain = re.sub(r"(?<=[a-z])(?=N$|Out$|In$|Next$|New$)", "_", name).lower()
    base = re.sub(r"[^a-z0-9]+", " ", _SIDE.sub(" ", plain)).strip()
    ends = {base, re.sub(r"\s*(?:n|out|in|0|t|t1)$", "", base)}
    return {end for end in ends if re.search(r"[a-z]", end)}


def _agree(before: Tensor, after: Tensor) -> bool:
    return (
        before.dtype == after.dtype
        and before.dtype in DTYPES
        and len(before.shape) == len(after.shape)
        and all(
            a == b or isinstance(a, str) or isinstance(b, str) for a, b in zip(before.shape, after.shape, strict=True)
        )
    )
