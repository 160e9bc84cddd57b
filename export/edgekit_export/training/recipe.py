"""The numbers of training.

``drift`` and the LSTM's learning rate and initialisation were chosen on the validation part of aeon:JapaneseVowels over
ten seeds of the LSTM; the others are common values, tried and not tuned. The test part chose nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from edgekit_export.families.contract import Number, Setting

VERSION = 1
"""Raise it whenever training or a family's module changes: cached checkpoints of the old one are then not reused."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """AdamW (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101), linear warm-up, then a cosine to zero.

    ``patience`` counts epochs without a better validation loss; ``label_smoothing`` is that of
    Szegedy et al. 2016. While training, every value gets Gaussian noise of standard deviation ``noise``, and every
    sequence a random gain and per-feature offset of ``drift`` (jitter and scaling of Um et al. 2017,
    https://arxiv.org/abs/1706.00527), both in units of the feature's own deviation: sensors differ and drift. Of text a
    share ``noise`` of the tokens is replaced by the unknown one (Iyyer et al. 2015, https://aclanthology.org/P15-1162),
    so that the model knows what a hidden word looks like.
    """

    epochs: int = 60
    patience: int = 25
    batch: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    noise: float = 0.1
    drift: float = 0.2

    @classmethod
    def of(cls, values: Mapping[str, Number]) -> Self:
        """The defaults, changed where ``values`` says so; other keys of ``values`` are not for training."""
        names = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in names})  # type: ignore[arg-type]


SETTINGS: tuple[Setting, ...] = (
    Setting("epochs", 1, 100_000),
    Setting("patience", 1, 100_000),
    Setting("batch", 1, 65_536),
    Setting("learning_rate", 1e-8, 10.0, whole=False),
    Setting("weight_decay", 0.0, 10.0, whole=False),
    Setting("label_smoothing", 0.0, 0.9, whole=False),
    Setting("noise", 0.0, 10.0, whole=False),
    Setting("drift", 0.0, 10.0, whole=False),
)
"""What ``--set`` may change for every family."""
