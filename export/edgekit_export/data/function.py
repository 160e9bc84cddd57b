"""``package.module:callable``: a function of the user's that returns the arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgekit_export.callables import find_callable, looks_like_callable
from edgekit_export.data.contract import Arrays
from edgekit_targets.errors import InputError

_FOUR = ("x_train", "y_train", "x_test", "y_test")
_SIX = ("x_train", "y_train", "x_valid", "y_valid", "x_test", "y_test")


class FunctionSource:
    """Calls a function without arguments. What it raises is the user's to see, traceback and all."""

    form = "package.module:callable"

    def takes(self, name: str) -> bool:
        """Whether ``name`` has a module and a name around one colon."""
        return looks_like_callable(name)

    def read(self, name: str) -> Arrays:
        """Call it and name its arrays.

        The function returns a mapping with the keys of ``npz:FILE``, or a tuple ``(x_train, y_train, x_test, y_test)``
        or ``(x_train, y_train, x_valid, y_valid, x_test, y_test)``.

        Raises:
            InputError: no such function, or it returns something else.
        """
        result: Any = find_callable(name, "--data")()
        if isinstance(result, Mapping):
            return {str(key): np.asarray(value) for key, value in result.items()}
        if isinstance(result, (tuple, list)) and len(result) in (len(_FOUR), len(_SIX)):
            names = _FOUR if len(result) == len(_FOUR) else _SIX
            return {key: np.asarray(value) for key, value in zip(names, result, strict=True)}
        raise InputError(
            f"--data {name} returned {type(result).__name__}; return a mapping or a tuple of {', '.join(_FOUR)}"
        )
