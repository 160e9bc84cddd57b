"""From whatever arrays a source gave to a data set that training can rely on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit_export.data.contract import UNKNOWN, Arrays, Dataset, Labels, Sequences
from edgekit_export.data.split import stratified
from edgekit_targets.errors import InputError

_NEEDED = ("x_train", "y_train", "x_test", "y_test")
_VALID = ("x_valid", "y_valid")


def dataset_of(name: str, arrays: Arrays, seed: int) -> Dataset:
    """Check ``arrays``, number the classes, and hold out a validation split unless the arrays bring one.

    Raises:
        InputError: one line that names ``--data`` and what is wrong with which array.
    """
    missing = [key for key in _NEEDED if key not in arrays]
    if missing:
        raise InputError(f"--data {name} lacks {', '.join(missing)}; it needs {', '.join(_NEEDED)}")
    given = [key for key in _VALID if key in arrays]
    if len(given) == 1:
        raise InputError(f"--data {name} has {given[0]} alone; give both {' and '.join(_VALID)} or neither")
    parts = ("train", "valid", "test") if given else ("train", "test")
    vocab = _vocab(f"--data {name}: vocab", arrays["vocab"]) if "vocab" in arrays else None
    x = {part: _inputs(f"--data {name}: x_{part}", arrays[f"x_{part}"], vocab) for part in parts}
    raw = {part: _labels(f"--data {name}: y_{part}", arrays[f"y_{part}"], len(x[part])) for part in parts}
    _same_shape(name, x)
    known = np.unique(raw["train"])
    if len(known) < 2:
        raise InputError(f"--data {name} has one class only ({known[0]}); there is nothing to tell apart")
    y = {part: _numbered(f"--data {name}: y_{part}", raw[part], known) for part in parts}
    if not given:
        _enough(name, y["train"], known)
        kept, held_out = stratified(y["train"], seed)
        x["valid"], y["valid"] = x["train"][held_out], y["train"][held_out]
        x["train"], y["train"] = x["train"][kept], y["train"][kept]
    return Dataset(
        name=name,
        x_train=x["train"],
        y_train=y["train"],
        x_valid=x["valid"],
        y_valid=y["valid"],
        x_test=x["test"],
        y_test=y["test"],
        classes=tuple(str(label) for label in known),
        vocab=vocab,
    )


def _inputs(where: str, x: npt.NDArray[Any], vocab: tuple[str, ...] | None) -> Sequences:
    return _sequences(where, x) if vocab is None else _tokens(where, x, len(vocab))


def _vocab(where: str, tokens: npt.NDArray[Any]) -> tuple[str, ...]:
    if tokens.dtype.kind != "U" or tokens.ndim != 1:
        raise InputError(f"{where} holds {tokens.dtype} {list(tokens.shape)}; give one text for each token id")
    vocab = tuple(map(str, tokens))
    if len(set(vocab)) != len(vocab) or any(len(token.split()) != 1 for token in vocab):
        raise InputError(f"{where} must hold each token once, and no token that is empty or has a space in it")
    if UNKNOWN not in vocab:
        raise InputError(f"{where} lacks {UNKNOWN}, which stands for words that are not known or hidden; add it")
    return vocab


def _tokens(where: str, x: npt.NDArray[Any], size: int) -> Sequences:
    if x.dtype.kind not in "iu" or x.ndim != 2:
        raise InputError(
            f"{where} holds {x.dtype} {list(x.shape)}; with a vocab it must be token ids [samples, length]"
        )
    if 0 in x.shape:
        raise InputError(f"{where} is empty: its shape is {list(x.shape)}")
    if int(x.min()) < 0 or int(x.max()) >= size:
        outside = int(x.max()) if int(x.max()) >= size else int(x.min())
        raise InputError(f"{where} has token id {outside}; the vocab has ids 0 to {size - 1}")
    return np.ascontiguousarray(x, dtype=np.int64)


def _sequences(where: str, x: npt.NDArray[Any]) -> Sequences:
    if x.dtype.kind not in "fiub":
        raise InputError(f"{where} holds {x.dtype}; give numbers in [samples, length, features]")
    if x.ndim != 3:
        hint = "; one feature is [samples, length, 1], and token ids need an array vocab" if x.ndim == 2 else ""
        raise InputError(f"{where} has shape {list(x.shape)}; it must be [samples, length, features]{hint}")
    if 0 in x.shape:
        raise InputError(f"{where} is empty: its shape is {list(x.shape)}")
    with np.errstate(over="ignore"):
        sequences = np.ascontiguousarray(x, dtype=np.float32)
    bad = ~np.isfinite(sequences)
    if bad.any():
        first = int(np.argwhere(bad)[0][0])
        raise InputError(
            f"{where} has {int(bad.sum())} values that are NaN, infinite or too large for float32, the first in sample "
            f"{first}; drop or fill them"
        )
    return sequences


def _labels(where: str, y: npt.NDArray[Any], samples: int) -> npt.NDArray[Any]:
    if y.dtype.kind == "f":
        raise InputError(f"{where} holds {y.dtype}: regression is not supported yet; for classes give integers or text")
    if y.dtype.kind not in "iubU":
        raise InputError(f"{where} holds {y.dtype}; give one integer or text per sample")
    if y.shape != (samples,):
        raise InputError(f"{where} has shape {list(y.shape)}; {samples} samples need [{samples}]")
    if y.dtype.kind == "U" and all(label.isascii() and label.isdigit() and len(label) < 18 for label in y):
        numbers = y.astype(np.int64)
        # Text such as "10" sorts before "2"; but "01" and "1" may be two classes, and stay text.
        if np.array_equal(numbers.astype(y.dtype), y):
            return numbers
    return y


def _same_shape(name: str, x: dict[str, Sequences]) -> None:
    for part, sequences in x.items():
        for axis, what in ((2, "width (features)"), (1, "length"))[3 - sequences.ndim :]:
            if sequences.shape[axis] != x["train"].shape[axis]:
                raise InputError(
                    f"--data {name}: x_{part} has {what} {sequences.shape[axis]}, x_train {x['train'].shape[axis]}; "
                    "all parts must agree"
                )


def _numbered(where: str, labels: npt.NDArray[Any], known: npt.NDArray[Any]) -> Labels:
    if labels.dtype.kind == "U" or known.dtype.kind == "U":
        labels, known = labels.astype(str), known.astype(str)
    strange = np.setdiff1d(labels, known)
    if len(strange):
        raise InputError(f"{where} has class {strange[0]}, which never occurs in y_train; no model can learn it")
    order = np.argsort(known)
    return order[np.searchsorted(known, labels, sorter=order)].astype(np.int64)


def _enough(name: str, labels: Labels, known: npt.NDArray[Any]) -> None:
    counts = np.bincount(labels, minlength=len(known))
    if counts.min() < 2:
        raise InputError(
            f"--data {name}: class {known[int(counts.argmin())]} has one training sample; give two or more of each, "
            "or x_valid and y_valid"
        )
