"""Whoever lacks the key can do anything to the folder on the way; each of it is refused in one line."""

import json
import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.releases.check import verify_release
from edgekit_targets.releases.format import FILES, GOLDEN, HEADER, MANIFEST, MODEL, PROFILE, SIGNATURE, SIGNED, VERDICT
from edgekit_targets.signing.verify import verify_folder
from tests.targets.releases.conftest import Owner
from tests.targets.releases.spoil import (
    bomb,
    external,
    no_evidence,
    no_model,
    other_evidence,
    other_inputs,
    other_model,
    put_statement,
    sign_over,
    statement,
    stranger_in_the_archive,
)

Make = Callable[..., Path]
Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def shipped(make_release: Make) -> Path:
    return make_release()


@pytest.fixture
def release(shipped: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(shipped, tmp_path / "release"))


def refused(folder: Path, owner: Owner, words: str) -> None:
    with pytest.raises(CheckFailed, match=words) as caught:
        verify_release(folder, [owner.public])
    said = str(caught.value)
    assert "\n" not in said
    assert said.isprintable()


def test_an_untouched_release_is_taken(release: Path, owner: Owner) -> None:
    found, signer = verify_release(release, [owner.public])
    assert found.counter == 1
    assert set(signer.digests) == set(SIGNED)


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("where", [0, -1])
def test_a_flipped_bit(release: Path, owner: Owner, name: str, where: int) -> None:
    content = bytearray((release / name).read_bytes())
    content[where] ^= 1
    (release / name).write_bytes(content)
    refused(release, owner, rf"{name} is not the file that was signed")


@pytest.fixture(scope="module")
def scratch(shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose signature many examples overwrite."""
    return Path(shutil.copytree(shipped, tmp_path_factory.mktemp("scratch") / "release"))


def taken(folder: Path, owner: Owner) -> dict[str, str] | None:
    """What was signed, or nothing where it was refused in one line."""
    try:
        return verify_folder(folder, [owner.public]).digests
    except CheckFailed as error:
        return None if str(error).isprintable() else {}


@settings(max_examples=100)
@given(data=st.data())
def test_any_bit_flipped_in_the_signature_is_refused_or_says_the_same(
    shipped: Path, scratch: Path, owner: Owner, data: st.DataObject
) -> None:
    """A bit may turn JSON's blanks into other blanks, or the name of a key that nobody needs; never what is signed."""
    content = bytearray((shipped / SIGNATURE).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (scratch / SIGNATURE).write_bytes(content)
    assert taken(scratch, owner) in (None, taken(shipped, owner))


KEYS = ["mediaType", "dsseEnvelope", "payload", "payloadType", "signatures", "verificationMaterial"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
)


@settings(max_examples=100)
@given(junk=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_junk_for_a_signature_is_refused(scratch: Path, owner: Owner, junk: bytes) -> None:
    (scratch / SIGNATURE).write_bytes(junk)
    assert taken(scratch, owner) is None


@pytest.mark.parametrize("name", FILES)
def test_a_file_removed(release: Path, owner: Owner, name: str) -> None:
    (release / name).unlink()
    refused(release, owner, rf"{name} is missing")


@pytest.mark.parametrize(
    "name",
    ["extra.txt", ".hidden", "model.onnx.data", "evidence/more.json", ".git/config", "new/file", "a\nb", "\udcff", "é"],
)
def test_a_file_added(release: Path, owner: Owner, name: str) -> None:
    (release / name).parent.mkdir(exist_ok=True)
    (release / name).write_bytes(b"")
    refused(release, owner, "is no part of a release")


def test_an_empty_folder_added(release: Path, owner: Owner) -> None:
    (release / "empty").mkdir()
    refused(release, owner, "'empty', which is no part of a release")


@pytest.mark.parametrize("name", FILES)
def test_a_file_renamed(release: Path, owner: Owner, name: str) -> None:
    (release / name).rename(release / f"{name}.old")
    refused(release, owner, "is no part of a release|is missing")


def test_two_files_swapped(release: Path, owner: Owner) -> None:
    (release / MODEL).rename(release / "x")
    (release / GOLDEN).rename(release / MODEL)
    (release / "x").rename(release / GOLDEN)
    refused(release, owner, "is not the file that was signed")


@pytest.mark.parametrize("name", FILES)
def test_a_symbolic_link(release: Path, owner: Owner, tmp_path: Path, name: str) -> None:
    (release / name).rename(tmp_path / "elsewhere")
    (release / name).symlink_to(tmp_path / "elsewhere")
    refused(release, owner, f"{name} is a symbolic link")


def test_a_folder_that_is_a_link(release: Path, owner: Owner, tmp_path: Path) -> None:
    (release / "evidence").rename(tmp_path / "elsewhere")
    (release / "evidence").symlink_to(tmp_path / "elsewhere")
    refused(release, owner, "evidence is no folder but a symbolic link")


@pytest.mark.parametrize("name", FILES)
def test_a_hard_link(release: Path, owner: Owner, tmp_path: Path, name: str) -> None:
    os.link(release / name, tmp_path / "other-name")
    refused(release, owner, rf"{name} is a hard link")


def test_a_pipe_is_not_waited_for(release: Path, owner: Owner) -> None:
    (release / MODEL).unlink()
    os.mkfifo(release / MODEL)
    refused(release, owner, "is a device, pipe or socket")


def test_a_socket(release: Path, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    (release / HEADER).unlink()
    monkeypatch.chdir(release)  # a socket's path may have some 100 bytes
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(HEADER)
        refused(release, owner, "is a device, pipe or socket")


def test_a_folder_where_a_file_must_be(release: Path, owner: Owner) -> None:
    (release / MODEL).unlink()
    (release / MODEL).mkdir()
    refused(release, owner, "is a folder, where a release holds files only")


@pytest.mark.parametrize("name", [MANIFEST, GOLDEN, SIGNATURE, PROFILE])
def test_an_absurd_size_is_not_read(release: Path, owner: Owner, name: str) -> None:
    with (release / name).open("r+b") as file:
        file.truncate(1 << 40)  # sparse
    refused(release, owner, f"{name} holds {1 << 40} bytes; a release's holds at most")


def test_a_statement_made_to_fit_the_altered_file_is_not_signed(release: Path, owner: Owner) -> None:
    forged = statement(release)
    forged["predicate"]["resources"][0]["digest"] = "0" * 64
    put_statement(release, forged)
    refused(release, owner, "does not verify with key")


def test_a_key_that_is_unknown(release: Path, owner: Owner) -> None:
    stranger = Owner()
    stranger.sign(release)
    refused(release, owner, f"not trusted here .'{stranger.public.id[:16]}'")
    with pytest.raises(CheckFailed, match="not trusted here"):
        verify_release(release, [])


def test_an_unknown_key_that_calls_itself_a_trusted_one(release: Path, owner: Owner) -> None:
    Owner().sign(release)
    bundle = json.loads((release / SIGNATURE).read_text())
    bundle["verificationMaterial"]["publicKey"]["hint"] = owner.public.id
    (release / SIGNATURE).write_text(json.dumps(bundle))
    refused(release, owner, "does not verify with key")


def test_a_revoked_key(release: Path, owner: Owner) -> None:
    with pytest.raises(CheckFailed, match=f"key {owner.public.id[:16]}, which is revoked"):
        verify_release(release, [owner.public], [owner.public])
    with pytest.raises(CheckFailed, match="which is revoked"):
        verify_release(release, [], [owner.public])


def test_a_signature_without_a_hint_is_tried_with_every_key(release: Path, owner: Owner) -> None:
    bundle = json.loads((release / SIGNATURE).read_text())
    del bundle["verificationMaterial"]["publicKey"]["hint"]
    (release / SIGNATURE).write_text(json.dumps(bundle))
    _, signer = verify_release(release, [Owner().public, owner.public])
    assert signer.key == owner.public.id
    with pytest.raises(CheckFailed, match="not trusted here"):
        verify_release(release, [Owner().public])


def test_the_signature_of_another_release(release: Path, owner: Owner, make_release: Make) -> None:
    shutil.copyfile(make_release(2) / SIGNATURE, release / SIGNATURE)
    refused(release, owner, "release.json is not the file that was signed")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "evidence/../model.onnx", "more.bin", "a\nb"])
def test_a_signature_over_other_files_and_a_path_that_escapes(release: Path, owner: Owner, name: str) -> None:
    signed = {one["name"]: one["digest"] for one in statement(release)["predicate"]["resources"]}
    sign_over(release, owner, signed | {name: "0" * 64})
    refused(release, owner, "is over other files")


def test_a_signature_over_fewer_files(release: Path, owner: Owner) -> None:
    signed = {one["name"]: one["digest"] for one in statement(release)["predicate"]["resources"]}
    del signed[MODEL]
    sign_over(release, owner, signed)
    refused(release, owner, "is over other files .model.onnx is not among them")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (external, "keeps weights in another file"),
        (bomb, "unpacks from .* to 20971520 bytes"),
        (stranger_in_the_archive, r"holds '\.\./\.\./escape\.npy', which is no golden vector"),
        (lambda folder: (folder / GOLDEN).write_bytes(b"PK"), "is no .npz"),
        (other_model, "is not the file that release.json describes"),
        (no_model, "is no ONNX file"),
        (other_inputs, "has other inputs than release.json says"),
        (other_evidence, "is evidence of another file"),
        (no_evidence, "holds no evidence, and the release was not forced"),
        (lambda folder: (folder / VERDICT).write_bytes(b"{"), "verdict.json is not valid JSON"),
        (lambda folder: (folder / VERDICT).write_bytes(b"\xff"), "verdict.json is not UTF-8"),
        (lambda folder: (folder / VERDICT).write_bytes(b"[]"), "has no schema_version"),
        (lambda folder: (folder / MANIFEST).write_bytes(b"{}"), "release.json has no schema_version"),
        (lambda folder: (folder / MANIFEST).write_bytes(b"\xff"), "release.json is not UTF-8"),
        (lambda folder: (folder / HEADER).write_bytes(b" \n"), "model.h is empty"),
    ],
)
def test_what_is_signed_must_make_sense_too(release: Path, owner: Owner, spoil: Spoil, words: str) -> None:
    spoil(release)
    owner.sign(release)
    refused(release, owner, words)


def test_a_large_archive_of_numbers_is_no_bomb(release: Path, owner: Owner) -> None:
    x = np.random.default_rng(0).normal(size=(1 << 18,))
    arrays: dict[str, Any] = {"input.x": x, "output.y": x}
    np.savez_compressed(release / GOLDEN, **arrays)
    owner.sign(release)
    verify_release(release, [owner.public])


@pytest.mark.parametrize("where", ["nowhere", f"release/{MODEL}"])
def test_no_folder(release: Path, owner: Owner, where: str) -> None:
    with pytest.raises(InputError, match="name a release folder"):
        verify_release(release.parent / where, [owner.public])


def test_a_link_to_a_whole_release_is_followed(release: Path, owner: Owner, tmp_path: Path) -> None:
    """As ``current`` is one."""
    (tmp_path / "current").symlink_to(release)
    assert verify_release(tmp_path / "current", [owner.public])[0].counter == 1


def test_nothing_of_it_is_touched(release: Path, owner: Owner) -> None:
    before = {path: path.stat().st_mtime_ns for path in release.rglob("*")}
    verify_release(release, [owner.public])
    (release / "extra").touch()
    refused(release, owner, "extra")
    (release / "extra").unlink()
    assert {path: path.stat().st_mtime_ns for path in release.rglob("*")} == before
    assert stat.S_ISDIR(release.stat().st_mode)
