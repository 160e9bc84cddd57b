"""Keep or drop: what a quantized artifact is worth before it was timed anywhere.

Accuracy is compared in pairs, on the same validation samples, because two files of one model agree on most of them:
the exact test of McNemar (Psychometrika 1947) looks only at the samples on which they differ.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgekit_targets.types.manifest import Keep

LIMIT: Final = 0.01
"""Accuracy that may be lost against fp32, as a share: one percentage point."""
_LEVEL: Final = 0.05

Bools = NDArray[np.bool_]


def judge(*, size: int, fp32_size: int, right: Bools | None, fp32_right: Bools | None, limit: float = LIMIT) -> Keep:
    """The verdict on one artifact.

    Dropped is what loses more than ``limit`` by a test that can tell (one-sided, 5 %), and what saves no space. Speed
    is not known yet: ``edgekit profile`` measures it for each target.

    Args:
        size: bytes of the artifact.
        fp32_size: bytes of the fp32 file of the same model.
        right: which validation samples the artifact answers right ``[samples]``; None without data.
        fp32_right: the same of fp32.
        limit: accuracy that may be lost, as a share.
    """
    from scipy import stats

    smaller = size < fp32_size
    if right is None or fp32_right is None:
        return _verdict(smaller, None, None, None, "accuracy is not known without data")
    worse, better = int((fp32_right & ~right).sum()), int((right & ~fp32_right).sum())
    drop = (worse - better) / len(right)
    test = stats.binomtest(worse, worse + better, 0.5, alternative="greater") if worse + better else None
    p_value = 1.0 if test is None else float(test.pvalue)
    tally = f"{worse} of {len(right)} validation samples lost, {better} gained"
    if drop <= limit:
        return _verdict(smaller, drop, p_value, True, f"{tally}; at most {limit:.1%} may be lost")
    if p_value < _LEVEL:
        return _verdict(smaller, drop, p_value, False, f"{tally} (p = {p_value:.2g}); at most {limit:.1%} may be lost")
    reason = f"{tally}; beyond {limit:.1%}, but so few samples cannot tell that from chance (p = {p_value:.2g})"
    return _verdict(smaller, drop, p_value, None, reason)


def _verdict(smaller: bool, drop: float | None, p_value: float | None, accurate: bool | None, reason: str) -> Keep:
    kept = smaller and accurate is not False
    return Keep(
        verdict="keep" if kept else "drop",
        smaller=smaller,
        accuracy_drop=drop,
        p_value=p_value,
        accurate=accurate,
        reason=reason if smaller else f"not smaller than fp32; {reason}",
    )
