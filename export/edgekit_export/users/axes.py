"""Which axes of a user's module vary: found by running it, not by guessing from sizes alone.

The batch is the axis whose samples do not touch one another: changing one sample changes that sample's answer and no
other. The length is the axis that the module takes at other sizes too. Layouts are tried in the order of how common
they are: batch first, length first, features before length, and channels and features before length.
"""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from edgekit_export.users.blame import blame, first_line
from edgekit_export.users.draw import BATCH, LENGTH, Roles, draw
from edgekit_export.users.model import UserModel
from edgekit_targets.errors import InputError

_BATCH: Final = 5
_MOST_TRIES: Final = 48
_LAYOUTS: Final = ((0, 1), (1, 0), (0, 2), (0, 3), (0, None))


@dataclass(frozen=True, kw_only=True, eq=False)
class Axes:
    """The axes that vary, by input and output, and what was taken, in a sentence.

    ``length`` is that of the example; None where no axis counts steps. An output's axis that varies with neither alone
    (``length // 2``) is called "length" too. ``also_free`` are input, axis and size of what the file will fix although
    the module takes other sizes there: one length alone can vary.
    """

    inputs: Roles
    outputs: Roles
    length: int | None
    note: str
    also_free: tuple[tuple[str, int, int], ...] = ()

    @property
    def batch_first(self) -> bool:
        """Whether samples lie on the first axis of everything."""
        return all(axes.get(0) == BATCH for axes in (*self.inputs.values(), *self.outputs.values()))


def find_axes(model: UserModel) -> Axes:
    """Try layouts until one is sound.

    Raises:
        InputError: no axis counts samples, or the module does not run at another batch; the message names the input,
            the axis and the module.
    """
    with _sizes_looked_at():
        return _find(model)


@contextlib.contextmanager
def _sizes_looked_at() -> Iterator[None]:
    """OneDNN's LSTM does not look whether features fit its weights: it reads past them and answers."""
    with warnings.catch_warnings():
        # torch sets along, and warns of, what only Intel's GPUs have
        warnings.filterwarnings("ignore", "TF32 acceleration", UserWarning)
        with torch.backends.mkldnn.flags(enabled=False):
            yield


def _find(model: UserModel) -> Axes:
    first = next((name for name, value in model.inputs.items() if value.dim() >= 2), next(iter(model.inputs)))
    refusal: str | None = None
    for batch_axis, length_axis in _LAYOUTS:
        dims = model.inputs[first].dim()
        if batch_axis >= dims or (length_axis or 0) >= dims:
            continue
        for roles in itertools.islice(_assignments(model, first, batch_axis, length_axis), _MOST_TRIES):
            found = _try(model, roles)
            if isinstance(found, Axes):
                return found
            # Why the plainest reading (batch first, everything else fixed) fails is what the user has to know.
            if length_axis is None and (refusal is None or "touch" in found):
                refusal = found
    size = model.inputs[first].shape[0]
    raise InputError(
        f"{model.source}: input {first}: axis 0 is fixed at {size} or does not count samples ({refusal}); make the "
        "batch the first axis, of any size"
    )


def _assignments(model: UserModel, first: str, batch_axis: int, length_axis: int | None) -> Iterator[Roles]:
    """Roles of all axes: of the first input as asked, of the others' by equal sizes, likelier ones first."""
    sizes = model.inputs[first].shape
    batch, length = sizes[batch_axis], None if length_axis is None else sizes[length_axis]
    own = {batch_axis: BATCH} | ({} if length_axis is None else {length_axis: LENGTH})
    places: list[tuple[str, int, list[str | None]]] = []
    for name, value in model.inputs.items():
        if name == first:
            continue
        for axis, size in enumerate(value.shape):
            options: list[str | None] = [BATCH] if size == batch else []
            options += [LENGTH] if size == length else []
            if axis > 0 and len(options) == 2:
                options.reverse()
            places.append((name, axis, [*options, None]))
    rest: list[Roles] = []
    for choice in itertools.product(*(options for _, _, options in places)):
        roles: dict[str, dict[int, str]] = {name: {} for name in model.inputs}
        roles[first] = dict(own)
        for (name, axis, _), role in zip(places, choice, strict=True):
            if role is not None:
                roles[name][axis] = role
        if all(roles.values()):
            yield roles
        else:  # a side input that belongs to no sample is the less likely reading
            rest.append(roles)
    yield from rest


def _try(model: UserModel, roles: Roles) -> Axes | str:
    """The axes under these roles, or why they are none."""
    steps = next((model.inputs[n].shape[a] for n, axes in roles.items() for a, r in axes.items() if r == LENGTH), None)
    other = None
    for tried in [None] if steps is None else [steps + 3, steps - 2]:
        if tried is not None and tried < 1:
            continue
        base = draw(model.inputs, roles, _BATCH, tried, 1)
        try:
            answer = model.call(base)
        except InputError:
            raise
        except Exception as error:  # whatever a user's module raises on a size it does not take
            reason = f"at batch {_BATCH}" + ("" if tried is None else f", length {tried}")
            reason += f" {blame(model.module, error)} says: {first_line(error)}"
            continue
        other = tried
        break
    else:
        return reason
    batches = _batch_axes(model, roles, base, answer, other)
    if isinstance(batches, str):
        return batches
    outputs = _output_axes(model, roles, batches, answer, steps)
    if isinstance(outputs, str):
        return outputs
    free = tuple(_also_free(model, roles))
    return Axes(inputs=roles, outputs=outputs, length=steps, note=_say(model, roles, steps, free), also_free=free)


def _batch_axes(
    model: UserModel, roles: Roles, base: Mapping[str, Tensor], answer: Mapping[str, Tensor], length: int | None
) -> dict[str, int] | str:
    """The axis of every output that counts samples: changing the first or the last changes its own answer only."""
    fresh = draw(model.inputs, roles, _BATCH, length, 2)
    candidates = {name: [a for a, n in enumerate(value.shape) if n == _BATCH] for name, value in answer.items()}
    for sample in (0, _BATCH - 1):
        changed = {}
        for name, value in base.items():
            changed[name] = value.clone()
            for axis, role in roles[name].items():
                if role == BATCH:
                    changed[name].select(axis, sample).copy_(fresh[name].select(axis, sample))
        try:
            second = model.call(changed)
        except Exception as error:  # as above
            return first_line(error)
        for name, value in answer.items():
            candidates[name] = [a for a in candidates[name] if _others_stay(value, second[name], a, sample)]
    for name, axes in candidates.items():
        if not axes:
            return f"samples touch one another in {name}, or it has no axis that counts them"
    return {name: axes[0] for name, axes in candidates.items()}


def _others_stay(before: Tensor, after: Tensor, axis: int, sample: int) -> bool:
    if before.shape != after.shape:
        return False
    kept = [index for index in range(before.shape[axis]) if index != sample]
    a, b = (value.index_select(axis, torch.tensor(kept)).double() for value in (before, after))
    scale = max(1.0, float(a.abs().nan_to_num(posinf=0.0).max())) if a.numel() else 1.0
    return torch.allclose(a, b, rtol=0.0, atol=1e-5 * scale, equal_nan=True)


def _output_axes(
    model: UserModel, roles: Roles, batches: Mapping[str, int], answer: Mapping[str, Tensor], length: int | None
) -> dict[str, dict[int, str]] | str:
    """Batch axes, and those whose sizes differ from the example's for another reason."""
    # The example's own length, at the batch of ``answer``: what differs then comes from the length.
    try:
        again = model.call(draw(model.inputs, roles, _BATCH, length, 3))
    except Exception as error:  # as above
        return first_line(error)
    outputs: dict[str, dict[int, str]] = {}
    for name, value in answer.items():
        outputs[name] = {batches[name]: BATCH}
        for axis, (a, b) in enumerate(zip(value.shape, again[name].shape, strict=True)):
            if a != b and axis != batches[name]:
                outputs[name][axis] = LENGTH
    return outputs


def _say(model: UserModel, roles: Roles, length: int | None, fixed: Sequence[tuple[str, int, int]]) -> str:
    shapes = []
    for name, value in model.inputs.items():
        shapes.append(f"{name} [{', '.join(roles[name].get(axis, str(n)) for axis, n in enumerate(value.shape))}]")
    free = "batch and length vary" if length is not None else "the batch varies, no length was found that does"
    said = f"inputs of {model.source} were taken as {', '.join(shapes)}: {free}"
    if fixed:
        said += f"; the file fixes {axes_text(fixed)}, as --shape says, where the module takes other sizes too"
    return said


def axes_text(found: Sequence[tuple[str, int, int]]) -> str:
    """``axis 1 of key at 20, axis 1 of value at 20``."""
    return ", ".join(f"axis {axis} of {name} at {size}" for name, axis, size in found)


def _also_free(model: UserModel, roles: Roles) -> Iterator[tuple[str, int, int]]:
    """Axes without a role that the module takes at another size: a second length, as that of a decoder's input.

    Axes of one size are made longer together, since keys and values have as many steps as one another.
    """
    places: dict[int, list[tuple[str, int]]] = {}
    for name, value in model.inputs.items():
        for axis, size in enumerate(value.shape):
            if axis not in roles[name]:
                places.setdefault(size, []).append((name, axis))
    for size, alike in places.items():
        longer = dict(model.inputs)
        for name, axis in alike:
            longer[name] = torch.cat([longer[name], longer[name].narrow(axis, 0, 1)], axis)
        with contextlib.suppress(Exception):  # whatever a user's module raises on a size it does not take
            model.call(longer)
            yield from ((name, axis, size) for name, axis in alike)
