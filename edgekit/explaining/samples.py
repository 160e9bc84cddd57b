"""The samples of a bundle: its data's test split, or its golden inputs where it was made without data."""

from __future__ import annotations

import difflib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit_export.data import load
from edgekit_export.data.contract import UNKNOWN
from edgekit_targets.bundle import golden_path
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Artifact, Data, Manifest

_SPELLINGS = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """``x`` ``[samples, length, *step]`` that training never saw, the class of each, what a hidden step holds.

    ``validation`` is for whatever prefers one method to another; empty without data. ``source`` says where they are
    from, ``hidden`` what stands for a hidden step, both in words.
    """

    x: NDArray[np.generic]
    validation: NDArray[np.generic]
    truth: tuple[str, ...] | None
    classes: tuple[str, ...]
    vocab: tuple[str, ...] | None
    blank: NDArray[np.generic]
    source: str
    hidden: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One of them, or a text of the user's, with a name, the names of its steps (text alone) and its class if known."""

    x: NDArray[np.generic]
    name: str
    tokens: tuple[str, ...] | None
    truth: str | None


def samples_of(bundle: Path, manifest: Manifest, artifact: Artifact) -> Samples:
    """Load what ``artifact`` of the bundle can be asked.

    Raises:
        InputError: a text model without its vocabulary, or data that is not there or not what it was.
    """
    names = {one.input for one in artifact.states}
    entry = next(tensor for tensor in artifact.inputs if tensor.name not in names)
    vocab = manifest.data.vocab if manifest.data is not None else None
    tokens = entry.dtype.startswith(("int", "uint"))
    if tokens and not vocab:
        raise InputError(
            f"--artifact {artifact.id} takes token ids, and {bundle} has no vocabulary to read or name them with; "
            "export it with --data that holds one (npz:FILE with an array vocab)"
        )
    if manifest.data is None or artifact.weights == "imported":
        return _golden(bundle, artifact)
    if tokens != (vocab is not None):
        raise InputError(f"--artifact {artifact.id} takes {entry.dtype}, the bundle's data is text; export it again")
    return _data(bundle, manifest, manifest.data)


def pick(samples: Samples, text: str) -> Sample:
    """The sample that ``--input`` names: its number, or (text models) a sentence.

    Raises:
        InputError: out of range, no number where one is needed, or a word outside the vocabulary.
    """
    if text.strip().isdecimal() and text.strip().isascii():
        number = int(text)
        if number >= len(samples.x):
            raise InputError(f"--input {number} is out of range: {samples.source} has 0 to {len(samples.x) - 1}")
        x = samples.x[number]
        tokens = None if samples.vocab is None else tuple(samples.vocab[int(token)] for token in x)
        truth = None if samples.truth is None else samples.truth[number]
        return Sample(x=x, name=f"sample {number} of {samples.source}", tokens=tokens, truth=truth)
    if samples.vocab is None:
        raise InputError(
            f"--input {text!r} is no sample: give its number, 0 to {len(samples.x) - 1} of {samples.source}; text is "
            "for models that take tokens"
        )
    words = tuple(text.split())
    if not words:
        raise InputError("--input is empty; give the number of a sample, or some words")
    ids = {token: number for number, token in enumerate(samples.vocab)}
    for word in words:
        if word not in ids:
            raise InputError(_unknown(word, samples.vocab))
    x = np.array([ids[word] for word in words], dtype=np.int64)
    known = [index for index, row in enumerate(samples.x) if np.array_equal(row, x)]
    truth = samples.truth[known[0]] if known and samples.truth is not None else None
    return Sample(x=x, name=f'"{" ".join(words)}"', tokens=words, truth=truth)


def _unknown(word: str, vocab: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, vocab, n=_SPELLINGS, cutoff=0.6)
    folded = [token for token in vocab if token.lower() == word.lower()]
    guess = f"did you mean {(folded or near)[0]}? else " if folded or near else ""
    return (
        f"--input: {word!r} is not in the vocabulary of {len(vocab)} tokens; {guess}write {UNKNOWN} in its place "
        "(words are told apart by spaces and by case)"
    )


def _data(bundle: Path, manifest: Manifest, data: Data) -> Samples:
    seed = manifest.settings.get("seed", 0)
    dataset = load(data.name, seed if type(seed) is int and seed >= 0 else 0)
    if dataset.sha256 != data.sha256:
        raise InputError(
            f"--data {data.name} is not what {bundle} was made with (sha256 {dataset.sha256[:12]}..., expected "
            f"{data.sha256[:12]}...); bring back that data, or export again"
        )
    if dataset.vocab is None:
        blank = dataset.x_train.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
        hidden = "the training data's mean of each feature"
    else:
        blank = np.array(dataset.vocab.index(UNKNOWN), dtype=np.int64)
        hidden = f"the token {UNKNOWN}"
    return Samples(
        x=dataset.x_test,
        validation=dataset.x_valid,
        truth=tuple(dataset.classes[label] for label in dataset.y_test),
        classes=dataset.classes,
        vocab=dataset.vocab,
        blank=blank,
        source=f"the test split of {data.name}",
        hidden=hidden,
    )


def _golden(bundle: Path, artifact: Artifact) -> Samples:
    path = golden_path(bundle, artifact)
    names = {one.input for one in artifact.states}
    entry = next(tensor for tensor in artifact.inputs if tensor.name not in names)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            x = np.asarray(arrays[f"input.{entry.name}"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is missing or damaged; export the bundle again") from error
    if x.ndim != 3 or x.dtype.kind != "f" or 0 in x.shape:
        raise InputError(f"{path} holds no sequences [samples, length, features]; export the bundle with --data")
    logits = next(tensor for tensor in artifact.outputs if tensor.name == "logits")
    classes = logits.shape[-1]
    return Samples(
        x=x,
        validation=x[:0],
        truth=None,
        classes=tuple(map(str, range(classes))) if isinstance(classes, int) else (),
        vocab=None,
        blank=x.mean(axis=(0, 1), dtype=np.float64).astype(x.dtype),
        source=f"the golden inputs of {artifact.id}",
        hidden="the golden inputs' mean of each feature",
    )
