"""What a data set is, and what reads one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edgekit_targets.types.manifest import Data

UNKNOWN = "<unk>"
"""The token that stands for a word which the vocabulary lacks, and for one that is hidden from a model."""

Sequences = npt.NDArray[Any]
"""float32 [samples, length, features], raw values; or int64 [samples, length], token ids."""
Labels = npt.NDArray[np.int64]
"""int64 [samples], an index into ``classes``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Labelled sequences in three parts that share no sample.

    Everything that prefers one thing to another looks at ``valid``; ``test`` is an acceptance test. Text has a
    ``vocab``, the token of each id, with :data:`UNKNOWN` among them.
    """

    name: str
    x_train: Sequences
    y_train: Labels
    x_valid: Sequences
    y_valid: Labels
    x_test: Sequences
    y_test: Labels
    classes: tuple[str, ...]
    vocab: tuple[str, ...] | None = None

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over names of classes, vocabulary and all arrays as they are split: another split is another hash."""
        digest = hashlib.sha256(repr(self.classes).encode())
        if self.vocab is not None:
            digest.update(repr(self.vocab).encode())
        for array in (self.x_train, self.y_train, self.x_valid, self.y_valid, self.x_test, self.y_test):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    @property
    def length(self) -> int:
        """Steps of one sequence."""
        return int(self.x_train.shape[1])

    @property
    def features(self) -> int:
        """Values of one step; one token."""
        return int(self.x_train.shape[2]) if self.vocab is None else 1

    def describe(self) -> Data:
        """What the manifest says about it."""
        return Data(
            name=self.name,
            sha256=self.sha256,
            features=self.features,
            length=self.length,
            classes=self.classes,
            train=len(self.x_train),
            validation=len(self.x_valid),
            test=len(self.x_test),
            vocab=self.vocab,
        )


Arrays = Mapping[str, npt.NDArray[Any]]
"""As a source read them, unchecked: ``x_train y_train x_test y_test`` and perhaps ``x_valid y_valid`` and ``vocab``."""


class Source(Protocol):
    """One way of naming data."""

    @property
    def form(self) -> str:
        """How to write it, for messages."""

    def takes(self, name: str) -> bool:
        """Whether ``name`` is of this form."""

    def read(self, name: str) -> Arrays:
        """The arrays that ``name`` stands for.

        Raises:
            InputError: there are none, naming ``--data`` and the remedy.
        """
