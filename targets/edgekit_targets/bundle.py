"""A bundle on disk: a folder of artifacts with ``manifest.json``, ``golden/``, ``profiles/`` and ``verdicts/``.

The folder may come from anywhere, so names inside the manifest must stay inside the folder, and an artifact is only
handed out after its hash was checked.
"""

from __future__ import annotations

from pathlib import Path

from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.files import sha256_of, write_atomic
from edgekit_targets.records import dumps, load_file, parse
from edgekit_targets.types.manifest import SCHEMA_VERSION, Artifact, Manifest

MANIFEST = "manifest.json"


def read_manifest(bundle: Path) -> Manifest:
    """Read and check ``BUNDLE/manifest.json``.

    Raises:
        InputError: no bundle, truncated, edited into something else, or written by a newer edgekit.
    """
    if bundle.is_file():
        raise InputError(f"{bundle} is a file, not a bundle folder; pass the folder that holds {MANIFEST}")
    path = bundle / MANIFEST
    if not path.exists():
        raise InputError(f"{bundle} is no bundle: {MANIFEST} is missing; make one with: edgekit export --out {bundle}")
    data = load_file(path)
    check_version(data, SCHEMA_VERSION, path)
    manifest = parse(Manifest, data, str(path))
    for artifact in manifest.artifacts:
        _inside(bundle, artifact.file)
        _inside(bundle, f"golden/{artifact.id}.npz")
    return manifest


def write_manifest(bundle: Path, manifest: Manifest) -> None:
    """Write ``manifest.json`` in one step."""
    write_atomic(bundle / MANIFEST, dumps(manifest, indent=1) + "\n")


def check_version(data: object, supported: int, path: Path | str) -> None:
    """Refuse a document without a schema version or with one this edgekit does not know.

    Raises:
        InputError: naming ``path`` and the remedy.
    """
    version = data.get("schema_version") if isinstance(data, dict) else None
    if type(version) is not int or version < 1:
        raise InputError(f"{path} has no schema_version; it is no edgekit document")
    if version > supported:
        raise InputError(
            f"{path} has schema_version {version}, this edgekit reads up to {supported}; upgrade edgekit-onnx"
        )


def artifact_path(bundle: Path, artifact: Artifact) -> Path:
    """The path of an artifact whose hash was just checked.

    Raises:
        InputError: the file is missing.
        CheckFailed: the file is not the one the manifest describes.
    """
    path = _inside(bundle, artifact.file)
    if not path.is_file():
        raise InputError(f"{path} is missing from the bundle; export it again")
    found = sha256_of(path)
    if found != artifact.sha256:
        raise CheckFailed(
            f"{path} does not match its hash in {MANIFEST} (sha256 {found[:12]}..., expected "
            f"{artifact.sha256[:12]}...); the file was changed: export it again"
        )
    return path


def golden_path(bundle: Path, artifact: Artifact) -> Path:
    """Where an artifact's golden inputs and outputs lie."""
    return _inside(bundle, f"golden/{artifact.id}.npz")


def _inside(bundle: Path, name: str) -> Path:
    try:
        root = bundle.resolve()
        path = (root / name).resolve()
        outside = not path.is_relative_to(root) or path == root
        path.exists()  # tells a name that no file can have
    except (OSError, RuntimeError, ValueError):  # too long, a loop of links, a NUL
        outside = True
    if outside:
        raise InputError(f"{bundle / MANIFEST} names a file outside the bundle ({name!r}); do not use this bundle")
    return bundle / name
