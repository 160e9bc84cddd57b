"""Accuracy of two files held against each other, in pairs: on the same samples, in the same order."""

from __future__ import annotations

from functools import lru_cache

from edgekit.statistics.proportions import Bools, Difference, Estimate, difference, paired_difference
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Accuracy, Artifact

LEVEL = 0.05
"""What a test must stay below for a difference to count as more than chance."""


def validation_difference(first: Artifact, second: Artifact) -> Difference | None:
    """By how much ``first`` is the more accurate one on the validation samples; None where either has no accuracy."""
    return accuracy_difference(first.accuracy_validation, second.accuracy_validation)


@lru_cache(maxsize=4096)  # a race asks for the same pairs again after each launch
def accuracy_difference(first: Accuracy | None, second: Accuracy | None) -> Difference | None:
    """``first - second`` on one split; in pairs where it is known which samples were answered right.

    Raises:
        InputError: what the manifest says of the samples contradicts itself.
    """
    if first is None or second is None:
        return None
    ours, theirs = right_of(first), right_of(second)
    if ours is not None and theirs is not None and ours.size == theirs.size:
        return paired_difference(ours, theirs)
    return difference(*(Estimate(one.value, one.low, one.high) for one in (first, second)))


def can_tell(found: Difference) -> bool:
    """Whether a difference is more than chance makes: by the paired test, without pairs by the interval."""
    if found.p_value is not None:
        return found.p_value < LEVEL
    return found.low > 0.0 or found.high < 0.0


def right_of(accuracy: Accuracy) -> Bools | None:
    """Which samples were answered right ``[samples]``; None where the manifest does not say.

    Raises:
        InputError: the bits do not agree with the number of samples or the share of right ones.
    """
    import numpy as np

    if accuracy.right is None:
        return None
    try:
        packed = np.frombuffer(bytes.fromhex(accuracy.right), dtype=np.uint8)
    except ValueError as error:
        raise InputError(
            "manifest.json: an accuracy's right is no hexadecimal text; export the bundle again"
        ) from error
    bits = np.unpackbits(packed).astype(bool)
    right = bits[: accuracy.samples]
    whole = len(packed) == -(-accuracy.samples // 8) and not bits[accuracy.samples :].any()
    if not whole or not right.size or abs(float(right.mean()) - accuracy.value) > 1e-9:
        raise InputError(
            f"manifest.json: an accuracy of {accuracy.value:.4g} on {accuracy.samples} samples does not agree with "
            "which of them it says were right; the file was edited by hand: export the bundle again"
        )
    return right
