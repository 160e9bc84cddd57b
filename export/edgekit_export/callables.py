"""``package.module:callable``, for models and for data."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgekit_targets.errors import InputError

_FORM = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def looks_like_callable(name: str) -> bool:
    """Whether ``name`` has the form ``package.module:callable``."""
    return _FORM.fullmatch(name) is not None


def find_callable(name: str, option: str) -> Callable[..., Any]:
    """Import ``package.module:callable``; the current folder is searched too, as ``python -m`` does.

    Errors inside the user's module keep their traceback: that is where they have to look.

    Args:
        name: what the user typed.
        option: the option it was typed for, for the message.

    Raises:
        InputError: not of that form, no such module, no such name in it, or not callable.
    """
    if not looks_like_callable(name):
        raise InputError(f"{option} {name} is not of the form package.module:callable")
    module_name, _, path = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise InputError(f"{option} {name}: no module {error.name}; run in the folder that holds it") from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise InputError(f"{option} {name}: module {module_name} has no {path}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"{option} {name}: {path} is not callable; name a function")
    return found  # type: ignore[no-any-return]
