"""The manifest of a bundle made now."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Sequence
from typing import Any

from edgekit_targets import __version__
from edgekit_targets.types.manifest import SCHEMA_VERSION, Artifact, Data, Manifest

_PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime", "openvino", "numpy")


def new_manifest(
    *, artifacts: Sequence[Artifact], dropped: Sequence[str] = (), data: Data | None = None, settings: dict[str, Any]
) -> Manifest:
    """A manifest with the time and the versions of what is installed."""
    return Manifest(
        schema_version=SCHEMA_VERSION,
        edgekit_version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        data=data,
        versions=_versions(),
        settings=settings,
        artifacts=tuple(artifacts),
        dropped=tuple(dropped),
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
