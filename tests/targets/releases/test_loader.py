"""What an application sees: the current release, verified, and a switch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.releases.install import install, rollback
from edgekit_targets.releases.loader import Loader
from edgekit_targets.releases.store import Store
from edgekit_targets.signing.ring import revoke
from tests.targets.releases.bench import steps, store_at
from tests.targets.releases.conftest import Owner

Make = Callable[..., Path]


@pytest.fixture
def store(root: Path, owner: Owner, make_release: Make) -> Store:
    store = store_at(root)
    install(make_release(1), store, steps(owner.public))
    return store


def test_it_answers_and_notices_a_switch(root: Path, store: Store, owner: Owner, make_release: Make) -> None:
    loader = Loader(root=root)
    model = loader.load()
    assert (model.id, model.release.counter) == (store.current(), 1)
    x = np.ones((1, 6), np.float32)
    model.session.bind({"x": x})
    np.testing.assert_allclose(model.session.read()["y"], [[16.0, 22.0, 28.0, 34.0]])
    assert not loader.switched()
    install(make_release(2), store, steps(owner.public))
    assert loader.switched()
    assert loader.load().release.counter == 2
    assert not loader.switched()
    rollback(store, steps(owner.public))
    assert loader.load().release.counter == 1
    model.session.close()


def test_what_was_changed_on_the_disk_is_not_opened(root: Path, store: Store) -> None:
    model = store.folder / "current" / "model.onnx"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    with pytest.raises(CheckFailed, match=r"model\.onnx is not the file that was signed"):
        Loader(root=root).load()


def test_a_revoked_key_opens_nothing_any_more(root: Path, store: Store, owner: Owner) -> None:
    revoke(root, owner.public)
    with pytest.raises(CheckFailed, match="revoked"):
        Loader(root=root).load()


def test_a_whole_release_of_another_model_or_too_old_is_refused(root: Path, store: Store) -> None:
    with pytest.raises(CheckFailed, match="counter 1; this application takes 2 on"):
        Loader(root=root, least_counter=2).load()
    (root / "models/other/releases").mkdir(parents=True)
    current = store.current()
    assert current is not None
    store.path(current).rename(root / "models/other/releases" / current)
    (root / "models/other/current").symlink_to(f"releases/{current}")
    with pytest.raises(CheckFailed, match="is a release of model, not of other"):
        Loader("other", root).load()


def test_without_a_current_release(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no current release; install one"):
        Loader(root=tmp_path).load()


def test_a_link_that_leads_elsewhere_is_not_followed(root: Path, store: Store, tmp_path: Path) -> None:
    link = store.folder / "current"
    link.unlink()
    link.symlink_to(tmp_path)
    with pytest.raises(InputError, match="which is no release"):
        Loader(root=root).load()
