"""The Sigstore bundle and the DSSE envelope inside it, to bytes and back.

https://docs.sigstore.dev/about/bundle/ (v0.3) and https://github.com/secure-systems-lab/dsse (v1.0.0), as the package
``model-signing`` uses them with a key: one signature, the key told by a hint.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.records import loads

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A signed payload. ``hint`` is the id of the key, as the signer told it; only the signature proves it."""

    payload: bytes
    signature: bytes
    hint: str | None


def signed_bytes(payload: bytes) -> bytes:
    """What the signature is over: DSSE's pre-authentication encoding (PAE) of the payload."""
    return f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode("ascii") + payload


def dump_envelope(envelope: Envelope) -> bytes:
    """The content of a ``model.sig``."""
    bundle = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": envelope.hint}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(envelope.payload).decode("ascii"),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(envelope.signature).decode("ascii"), "keyid": ""}],
        },
    }
    return (json.dumps(bundle) + "\n").encode("ascii")


def parse_envelope(content: bytes, where: str) -> Envelope:
    """Read a ``model.sig`` as untrusted input.

    Raises:
        CheckFailed: it is no Sigstore bundle of this kind; the message begins with ``where``.
    """
    try:
        bundle = loads(content.decode("utf-8"), where)
    except (UnicodeDecodeError, InputError) as error:
        raise CheckFailed(f"{where} is not valid JSON; the signature is damaged: copy the release again") from error
    if _get(bundle, "mediaType") != MEDIA_TYPE:
        raise CheckFailed(f"{where} is no Sigstore bundle v0.3; sign with edgekit ship or model_signing sign key")
    envelope = _get(bundle, "dsseEnvelope")
    signatures = _get(envelope, "signatures")
    if _get(envelope, "payloadType") != PAYLOAD_TYPE or not isinstance(signatures, list) or len(signatures) != 1:
        raise CheckFailed(f"{where} does not hold one signed in-toto statement; sign the release again")
    hint = _get(_get(_get(bundle, "verificationMaterial"), "publicKey"), "hint")
    return Envelope(
        payload=_bytes(_get(envelope, "payload"), where),
        signature=_bytes(_get(signatures[0], "sig"), where),
        hint=hint if isinstance(hint, str) else None,
    )


def _get(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, dict) else None


def _bytes(text: Any, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise CheckFailed(f"{where} is damaged (no base64 where there must be); copy the release again") from error
