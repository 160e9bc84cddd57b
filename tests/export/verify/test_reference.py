from __future__ import annotations

import numpy as np
import torch

from edgekit_export.verify.reference import reference_outputs


def test_chunks_are_put_together_in_order() -> None:
    x = np.arange(600, dtype=np.float32).reshape(600, 1, 1)
    outputs = reference_outputs(torch.nn.Flatten(), x)
    np.testing.assert_array_equal(outputs[:, 0], np.arange(600))
