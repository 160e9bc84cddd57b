from __future__ import annotations

import pytest

from edgekit_targets import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError("x"), 2),
        (errors.MissingExtra("torch", "export"), 2),
        (errors.AgentFailed("x"), 2),
        (errors.NothingFits("x"), 3),
        (errors.Undecided("x"), 4),
        (errors.CheckFailed("x"), 5),
    ],
)
def test_exit_codes_are_those_of_the_design(error: errors.EdgekitError, code: int) -> None:
    assert error.exit_code == code


def test_a_missing_extra_is_the_command_that_brings_it() -> None:
    error = errors.MissingExtra("onnxruntime", "cpu")
    assert isinstance(error, errors.InputError)
    assert str(error) == 'onnxruntime is not installed; install it with: pip install "edgekit-onnx[cpu]"'
    assert error.extra == "cpu"
