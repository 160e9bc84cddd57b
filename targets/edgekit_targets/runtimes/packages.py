"""Which packages are installed, found out without importing them."""

from __future__ import annotations

import importlib.util

from edgekit_targets.errors import DISTRIBUTION

_BUILDS = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-openvino",
    "onnxruntime-directml",
    "onnxruntime-rocm",
    "onnxruntime-migraphx",
    "onnxruntime-qnn",
)
"""Distributions that all bring the module ``onnxruntime``."""


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


def onnxruntime_version() -> str | None:
    """That of whichever build of ONNX Runtime is installed, or nothing."""
    return next((version_of(name) for name in _builds()), None)


def onnxruntime_conflict() -> str | None:
    """Why the ONNX Runtime here cannot be relied on, where several of its builds are installed.

    They share one module directory, so whichever was installed last has overwritten the others, and CUDA may be gone
    without a word (microsoft/onnxruntime issue 26996). :func:`separate` is the remedy.
    """
    found = _builds()
    if len(found) < 2:
        return None
    both = "both" if len(found) == 2 else "all"
    return f"{', '.join(found[:-1])} and {found[-1]} are {both} installed and overwrite each other"


def separate(extra: str) -> str:
    """The command that leaves exactly the build of ONNX Runtime that ``extra`` brings."""
    return f'pip uninstall --yes {" ".join(_builds())} && pip install "{DISTRIBUTION}[{extra}]"'


def _builds() -> list[str]:
    return [name for name in _BUILDS if version_of(name) is not None]


def install(extra: str, *options: str) -> str:
    """The command that installs ``extra``."""
    return " ".join(["pip install", *options, f'"{DISTRIBUTION}[{extra}]"'])
