import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.errors import CheckFailed
from edgekit_targets.signing.envelope import PAYLOAD_TYPE, Envelope, dump_envelope, parse_envelope, signed_bytes


@given(payload=st.binary(), signature=st.binary(), hint=st.none() | st.text())
def test_what_was_written_comes_back(payload: bytes, signature: bytes, hint: str | None) -> None:
    envelope = Envelope(payload=payload, signature=signature, hint=hint)
    assert parse_envelope(dump_envelope(envelope), "model.sig") == envelope


def test_the_signature_is_over_the_encoding_of_dsse() -> None:
    """The example of the protocol, with the type that is used here."""
    assert signed_bytes(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"
    assert len(PAYLOAD_TYPE) == 28


def document(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dump_envelope(Envelope(payload=b"{}", signature=b"s", hint=None)))
    found["dsseEnvelope"] |= changes
    return found


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (document() | {"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.2"}, "no Sigstore bundle v0.3"),
        ([], "no Sigstore bundle"),
        (document(payloadType="text/plain"), "one signed in-toto statement"),
        (document(signatures=[]), "one signed in-toto statement"),
        (document(signatures=[{"sig": "cw=="}, {"sig": "cw=="}]), "one signed in-toto statement"),
        (document(signatures=["cw=="]), "no base64"),
        (document(payload="e30"), "no base64"),
        (document(payload="e 30="), "no base64"),
        (document(payload=7), "no base64"),
        (document(payload=None), "no base64"),
    ],
)
def test_other_documents_are_refused(changed: object, words: str) -> None:
    with pytest.raises(CheckFailed, match=rf"^model\.sig .*{words}"):
        parse_envelope(json.dumps(changed).encode(), "model.sig")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{", b'{"a": NaN}', b"[" * 100_000])
def test_damaged_ones_are_refused(content: bytes) -> None:
    with pytest.raises(CheckFailed, match="is not valid JSON"):
        parse_envelope(content, "model.sig")
