"""Which packages are installed, found out without importing them."""

from __future__ import annotations

import importlib.util

from edgekit_targets.errors import DISTRIBUTION

_ORT = "onnxruntime"
_ORT_GPU = "onnxruntime-gpu"


def present(module: str) -> bool:
    """Whether ``module`` can be found; it may still crash when imported."""
    return importlib.util.find_spec(module) is not None


def version_of(distribution: str) -> str | None:
    """The version of an installed distribution, or nothing."""
    import importlib.metadata  # 3 MB that a process which only holds a model does not need

    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def onnxruntime_conflict() -> str | None:
    """Why the ONNX Runtime here cannot be relied on, where both of its builds are installed.

    They share one module directory, so whichever was installed last has overwritten the other, and CUDA may be gone
    without a word (microsoft/onnxruntime issue 26996). :func:`separate` is the remedy.
    """
    if version_of(_ORT) is None or version_of(_ORT_GPU) is None:
        return None
    return "onnxruntime and onnxruntime-gpu are both installed and overwrite each other"


def separate(extra: str) -> str:
    """The command that leaves exactly the build of ONNX Runtime that ``extra`` brings."""
    return f'pip uninstall --yes {_ORT} {_ORT_GPU} && pip install "{DISTRIBUTION}[{extra}]"'


def install(extra: str, *options: str) -> str:
    """The command that installs ``extra``."""
    return " ".join(["pip install", *options, f'"{DISTRIBUTION}[{extra}]"'])
