"""Optional packages: imported where they are needed, and missed in one line."""

from __future__ import annotations

import importlib
from types import ModuleType

from edgekit_targets.errors import MissingExtra

_EXTRA_OF = {
    "torch": "export",
    "onnx": "export",
    "onnxscript": "export",
    "safetensors": "export",
    "aeon": "train",
    "onnxruntime": "cpu",
    "openvino": "openvino",
    "cryptography": "ship",
}


def require(module: str) -> ModuleType:
    """Import ``module`` (dotted names allowed) or say which extra brings it.

    Raises:
        MissingExtra: the package that holds ``module`` is not installed.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise MissingExtra(package, _EXTRA_OF[package]) from error
