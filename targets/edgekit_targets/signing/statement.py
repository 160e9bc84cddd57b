"""The in-toto statement of the model-signing format, version 1.0: every file's name and SHA-256.

https://github.com/in-toto/attestation (Statement v1) with the predicate ``https://model_signing/signature/v1.0``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.records import loads

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://model_signing/signature/v1.0"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def make_statement(name: str, digests: Mapping[str, str], ignored: str) -> bytes:
    """The payload to sign.

    Args:
        name: of the release, for information.
        digests: SHA-256 (hexadecimal) of every file by its path below the folder, with ``/`` between the parts.
        ignored: the file that will hold the signature.
    """
    ordered = sorted(digests, key=lambda path: PurePosixPath(path).parts)
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": _root_digest([digests[path] for path in ordered])}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": [ignored],
            },
            "resources": [{"name": path, "algorithm": "sha256", "digest": digests[path]} for path in ordered],
        },
    }
    return json.dumps(statement, indent=2).encode("utf-8")


def parse_statement(payload: bytes, where: str) -> dict[str, str]:
    """The SHA-256 of every signed file by its path.

    Paths are as the signer wrote them: a caller compares them with those it knows and opens none.

    Raises:
        CheckFailed: no such statement, or one that contradicts itself; the message begins with ``where``.
    """
    try:
        statement: Any = loads(payload.decode("utf-8"), where)
        if statement["_type"] != STATEMENT_TYPE or statement["predicateType"] != PREDICATE_TYPE:
            raise CheckFailed(f"{where} signs something else than a model (its predicate is not {PREDICATE_TYPE})")
        predicate = statement["predicate"]
        if predicate["serialization"]["method"] != "files":
            raise CheckFailed(f"{where} signs pieces of files; sign whole files (the default of model_signing)")
        digests: dict[str, str] = {}
        for resource in predicate["resources"]:
            path, digest = resource["name"], resource["digest"]
            if resource["algorithm"] != "sha256" or not _SHA256.fullmatch(digest):
                raise CheckFailed(f"{where} signs {path!r} by another digest than SHA-256; sign with the default")
            if path in digests:
                raise CheckFailed(f"{where} names {path!r} twice; sign the release again")
            digests[path] = digest
        (subject,) = statement["subject"]
        consistent = subject["digest"]["sha256"] == _root_digest(list(digests.values()))
    except (UnicodeDecodeError, InputError, KeyError, TypeError, ValueError) as error:
        raise CheckFailed(f"{where} holds no statement of the model-signing format; sign the release again") from error
    if not consistent:
        raise CheckFailed(f"{where} contradicts itself: its digest is not that of its files; sign the release again")
    return digests


def _root_digest(digests: list[str]) -> str:
    return hashlib.sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()
