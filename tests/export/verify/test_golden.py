from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit_export.verify.golden import write_golden


def test_names_values_and_bytes(tmp_path: Path) -> None:
    x, h, y = np.ones((8, 3), np.float32), np.zeros((8, 2), np.int64), np.full((8, 1), 2, np.float32)
    write_golden(tmp_path / "sub" / "a.npz", {"x": x, "h": h}, {"logits": y})
    write_golden(tmp_path / "b.npz", {"h": h, "x": x}, {"logits": y})
    with np.load(tmp_path / "b.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["input.h", "input.x", "output.logits"]
        np.testing.assert_array_equal(arrays["input.h"], h)
        np.testing.assert_array_equal(arrays["output.logits"], y)
    assert (tmp_path / "sub" / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
