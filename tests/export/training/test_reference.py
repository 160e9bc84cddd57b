"""The figures that the issue asks for, on the data that ships."""

from __future__ import annotations

import pytest
import torch

from edgekit_export.data import load
from edgekit_export.prepare import prepare
from edgekit_targets.progress import silent


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(("family", "accuracy"), [("lstm", 0.95), ("transformer", 0.97)])
def test_the_reference_pair_reaches_its_accuracy(family: str, accuracy: float) -> None:
    data = load("aeon:JapaneseVowels", 0)
    made = prepare(family, preset="iot", settings={}, dataset=data, checkpoint=None, seed=0, progress=silent)
    with torch.no_grad():
        answers = made.module(torch.from_numpy(data.x_test)).argmax(dim=1).numpy()
    assert (answers == data.y_test).mean() >= accuracy
