"""What a device knows a release by: its counter and what is signed, so nothing passes for another release."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from edgekit_targets.errors import CheckFailed
from edgekit_targets.releases.format import SIGNATURE, SIGNED
from edgekit_targets.releases.install import install, rollback
from edgekit_targets.releases.loader import Loader
from edgekit_targets.releases.simulated import read_tree
from edgekit_targets.releases.store import Store
from tests.targets.releases.bench import id_of, steps, store_at
from tests.targets.releases.conftest import Owner

Make = Callable[..., Path]
_ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def store(root: Path, owner: Owner, make_release: Make) -> Store:
    store = store_at(root)
    install(make_release(1), store, steps(owner.public))
    install(make_release(2), store, steps(owner.public))
    return store


def written_otherwise(folder: Path) -> None:
    """The same JSON with other blanks."""
    (folder / SIGNATURE).write_text(json.dumps(json.loads((folder / SIGNATURE).read_text()), indent=3))


def mirrored(folder: Path) -> None:
    """Of every ECDSA signature (r, s) there is a second one, (r, n - s), which needs no key to be made."""
    bundle = json.loads((folder / SIGNATURE).read_text())
    (entry,) = bundle["dsseEnvelope"]["signatures"]
    r, s = decode_dss_signature(base64.b64decode(entry["sig"]))
    entry["sig"] = base64.b64encode(encode_dss_signature(r, _ORDER_OF_P256 - s)).decode()
    (folder / SIGNATURE).write_text(json.dumps(bundle))


@pytest.mark.parametrize("change", [written_otherwise, mirrored])
def test_the_same_signature_in_other_bytes_is_no_other_release(
    store: Store, owner: Owner, make_release: Make, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    mine = steps(owner.public)
    source = make_release(3)
    first = install(source, store, mine)
    other = Path(shutil.copytree(source, tmp_path / "other"))
    change(other)
    assert (other / SIGNATURE).read_bytes() != (source / SIGNATURE).read_bytes()
    before = read_tree(store.root)
    again = install(other, store, mine)
    assert (again.changed, again.release) == (False, first.release)
    assert read_tree(store.root) == before


def test_it_can_be_told_with_sha256sum(owner: Owner, make_release: Make) -> None:
    release = make_release(4)
    lines = [f"{hashlib.sha256((release / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(SIGNED)]
    assert id_of(release, steps(owner.public)) == f"4-{hashlib.sha256(''.join(lines).encode()).hexdigest()[:12]}"


def test_an_older_release_in_the_place_of_a_newer_one_is_not_opened(
    root: Path, store: Store, owner: Owner, make_release: Make
) -> None:
    """Replayed on the device's disk by somebody without the key: every file of it is signed."""
    mine = steps(owner.public)
    previous, current = store.previous(), store.current()
    assert previous is not None
    assert current is not None
    shutil.rmtree(store.path(current))
    shutil.copytree(store.path(previous), store.path(current))
    with pytest.raises(CheckFailed, match=f"{current} holds release {previous}: it was replaced there"):
        Loader(root=root).load()
    repaired = install(make_release(2), store, mine)
    assert (repaired.changed, repaired.release, repaired.previous) == (True, f"{current}-2", current)
    assert Loader(root=root).load().release.counter == 2
    before = read_tree(root)
    with pytest.raises(CheckFailed, match="install a release anew"):
        rollback(store, mine)
    assert read_tree(root) == before
