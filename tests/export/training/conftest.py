from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit_export.data.checked import dataset_of
from edgekit_export.data.contract import Dataset


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache of its own; the value is the folder that checkpoints land in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "edgekit" / "checkpoints"


@pytest.fixture
def make_data() -> Callable[[int], Dataset]:
    """Two classes that slope and level tell apart, in a data set that the seed draws."""

    def make(seed: int = 0) -> Dataset:
        generator = np.random.default_rng(seed)

        def part(samples: int) -> tuple[np.ndarray, np.ndarray]:
            y = np.arange(samples) % 2
            sign = 2 * y[:, None, None] - 1
            ramp = np.linspace(-1, 1, 8)[None, :, None] * sign
            return 5.0 + 2.0 * ramp + 1.0 * sign + generator.normal(scale=0.5, size=(samples, 8, 3)), y

        x_train, y_train = part(60)
        x_test, y_test = part(40)
        return dataset_of("test:ramps", {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}, 0)

    return make


@pytest.fixture
def data(make_data: Callable[[int], Dataset]) -> Dataset:
    return make_data(0)
