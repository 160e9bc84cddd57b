from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.fixture
def arrays() -> dict[str, Any]:
    """A sound data set: 3 classes of text, 8 training and 4 test samples each, 5 steps of 2 features."""
    generator = np.random.default_rng(0)
    return {
        "x_train": generator.normal(size=(24, 5, 2)),
        "y_train": np.repeat(["walk", "run", "sit"], 8),
        "x_test": generator.normal(size=(12, 5, 2)).astype(np.float32),
        "y_test": np.repeat(["sit", "walk", "run"], 4),
    }
