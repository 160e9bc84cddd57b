"""Which part of a user's model an error came from."""

from __future__ import annotations

from torch import nn


def blame(root: nn.Module, error: BaseException) -> str:
    """The innermost module of ``root`` that was running when ``error`` was raised: ``encoder.layers.0 (Attention)``."""
    return name_of(root, innermost(root, error))


def innermost(root: nn.Module, error: BaseException) -> nn.Module:
    """That module itself; ``root`` where the traceback shows none of its parts."""
    known = {id(module) for module in root.modules()}
    found, step = root, error.__traceback__
    while step is not None:
        running = step.tb_frame.f_locals.get("self")
        if isinstance(running, nn.Module) and id(running) in known:
            found = running
        step = step.tb_next
    return found


def name_of(root: nn.Module, module: nn.Module) -> str:
    """The path of ``module`` inside ``root`` and its class."""
    path = next((name for name, child in root.named_modules() if child is module), "")
    return f"{path or 'the model'} ({type(module).__name__})"


def first_line(error: BaseException) -> str:
    """The first line of a message."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
