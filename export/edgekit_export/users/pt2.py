"""``.pt2``: what ``torch.export.save`` wrote, opened without running anything that it says.

``torch.export.load`` trusts its file: it unpickles objects, falls back to ``weights_only=False``, loads native code
from ``data/aotinductor`` and has SymPy evaluate expressions as Python. So the archive is looked through first, and
while it loads, unpickling anything but tensors is switched off.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import torch
from torch import nn

from edgekit_targets.errors import InputError

_MAX_BYTES: Final = 2 * 1000**3
# Sizes and arithmetic on them, as torch writes them for SymPy: names from this list, symbols, numbers, operators.
_NAMES: Final = (
    "Add|Mul|Pow|Mod|PythonMod|Min|Max|Abs|FloorDiv|CleanDiv|IntTrueDiv|FloatTrueDiv|CeilToInt|FloorToInt|TruncToInt|"
    "RoundToInt|ToFloat|ModularIndexing|Where|Integer|Rational|Float|Symbol|Eq|Ne|Lt|Le|Gt|Ge|Equality|Unequality|"
    "StrictLessThan|LessThan|StrictGreaterThan|GreaterThan|And|Or|Not|true|false|True|False|None|oo|int_oo|positive|"
    "nonnegative|negative|integer|real|zero|evaluate|precision"
)
_EXPRESSION: Final = re.compile(
    rf"(?:(?:{_NAMES}|[a-z]{{1,4}}\d+)\b|'[a-z]{{1,4}}\d+'|\d+(?:\.\d+)?(?![\w.])|[-+*/%(),<>=!&|~ ])*"
)
_REFUSED: Final = "is not taken, since opening it could run code; export it to .onnx where it comes from"


class _Unsafe(Exception):
    """The archive holds something that only unpickling could bring back."""


def load_pt2(path: Path) -> tuple[nn.Module, Any]:
    """The module of an exported program and its example inputs.

    Raises:
        InputError: missing, no such archive, damaged, one that could run code, or without example inputs.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; pass a .pt2 file") from error
    if content is None:
        raise InputError(f"{path} is larger than 2 GB; pass a smaller model")
    _look_through(path, content)
    try:
        with _nothing_unpickled(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.load(io.BytesIO(content))
    except _Unsafe as error:
        raise InputError(f"{path} holds {error} and {_REFUSED}") from error
    except Exception as error:  # torch's reader raises whatever it trips over
        raise InputError(
            f"{path} cannot be read by torch {torch.__version__}; save it again with torch.export.save"
        ) from error
    if program.example_inputs is None:
        raise InputError(f"{path} holds no example inputs; save it as torch.export.export gave it")
    positional, named = program.example_inputs
    module = program.module(check_guards=False)
    names = [parameter for parameter in _forward_names(module) if parameter not in named]
    return module, dict(zip(names, positional, strict=False)) | dict(named)


def _forward_names(module: nn.Module) -> list[str]:
    import inspect

    return list(inspect.signature(module.forward).parameters)


def _look_through(path: Path, content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
                raise InputError(f"{path} unpacks to more than 2 GB; pass a smaller model")
            for member in archive.infolist():
                if "/data/aotinductor/" in f"/{member.filename}":
                    raise InputError(f"{path} holds native code and {_REFUSED}")
                if member.filename.endswith(".json"):
                    _look_at(path, json.loads(archive.read(member)))
    except (zipfile.BadZipFile, ValueError, RecursionError, NotImplementedError, EOFError) as error:
        raise InputError(f"{path} is no .pt2 archive, or only a part of one; save it with torch.export.save") from error


def _look_at(path: Path, node: Any) -> None:
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if found.get("use_pickle") is True:
                raise InputError(f"{path} holds pickled weights and {_REFUSED}")
            expression = found.get("expr_str")
            if isinstance(expression, str) and not _EXPRESSION.fullmatch(expression):
                raise InputError(f"{path} holds the expression {expression[:40]!r} and {_REFUSED}")
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


@contextlib.contextmanager
def _nothing_unpickled() -> Iterator[None]:
    load = torch.load

    def weights_only(*arguments: Any, **options: Any) -> Any:
        if options.get("weights_only") is False:
            raise _Unsafe("pickled objects")
        return load(*arguments, **(options | {"weights_only": True}))

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise _Unsafe("pickled objects")

    import pickle  # noqa: TID251 - to switch it off

    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(torch, "load", weights_only))
        stack.enter_context(mock.patch.object(pickle, "loads", refuse))
        stack.enter_context(mock.patch.object(torch._C, "_pickle_load_obj", refuse, create=True))
        yield
