"""For applications: the current release, verified again each time it is opened, and a way to notice a switch.

    loader = Loader("keyword")
    model = loader.load()
    while ...:
        if loader.switched():
            model.session.close()
            model = loader.load()
        model.session.write({"x": samples})
        model.session.run()
        answers = model.session.read()

An application that has no need of that opens ``<root>/models/<name>/current/model.onnx`` with its runtime and nothing
of edgekit; the release was verified before it became current. What lies between is somebody who changes the device's
disk afterwards. Verifying needs ``cryptography``, and reading only: an application may run as another user.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from pathlib import Path

from edgekit_targets.errors import CheckFailed, EdgekitError, InputError
from edgekit_targets.releases.check import check_place, verify_release
from edgekit_targets.releases.format import DEFAULT_NAME, Release
from edgekit_targets.releases.held import HeldModel
from edgekit_targets.releases.store import DEFAULT_ROOT, Store
from edgekit_targets.runtimes import find
from edgekit_targets.runtimes.carried import input_shapes
from edgekit_targets.runtimes.contract import Session
from edgekit_targets.signing.ring import read_ring

_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A release that was verified, and its model, opened as it was measured; nothing is bound yet."""

    id: str
    folder: Path
    release: Release
    session: Session


class Loader:
    """Opens the releases of one model."""

    def __init__(self, name: str = DEFAULT_NAME, root: str | Path = DEFAULT_ROOT, *, least_counter: int = 1) -> None:
        """Of the model ``name`` below ``root``; a release with a counter below ``least_counter`` is refused.

        Raises:
            InputError: the name cannot be one.
        """
        self._store = Store(Path(root).expanduser().absolute(), name)
        self._least = least_counter
        self._loaded: str | None = None

    def load(self) -> Loaded:
        """Verify the current release and open its model; a switch meanwhile is followed.

        After a restart in the middle of a switch, or before its confirmation, it is the release that was current
        before, as :meth:`edgekit_targets.releases.store.Store.to_open` says.

        Raises:
            InputError: nothing is current, or the runtime is missing or refuses the model.
            CheckFailed: it is not what a trusted key signed, of another model, too old, or not what its folder says.
            MissingExtra: ``cryptography`` or the runtime is not installed.
        """
        for tries in range(_TRIES):
            current = self._store.to_open()
            if current is None:
                raise InputError(f"{self._store.folder} has no current release; install one")
            try:
                loaded = self._open(current)
            except (EdgekitError, OSError):
                # The one that was current a moment ago may be gone by now.
                if tries == _TRIES - 1 or self._store.to_open() == current:
                    raise
            else:
                self._loaded = current
                return loaded
        raise AssertionError("the last try returns or raises")

    def switched(self) -> bool:
        """Whether another release should be open than the one that was loaded: most often one look at a link."""
        return self._store.current() != self._loaded and self._store.to_open() != self._loaded

    def _open(self, current: str) -> Loaded:
        folder = self._store.path(current)
        ring = read_ring(self._store.root)
        release, signer = verify_release(folder, ring.trusted, ring.revoked)
        check_place(folder, release, signer)
        if release.name != self._store.name:
            raise CheckFailed(f"{folder} is a release of {release.name}, not of {self._store.name}; install it anew")
        if release.counter < self._least:
            raise CheckFailed(f"{folder} has the counter {release.counter}; this application takes {self._least} on")
        model = HeldModel(folder, signer.digests)
        try:
            session = _session(model.path, release)
            model.check_unchanged()
        except InputError as error:
            model.close()
            raise type(error)(model.named(str(error))) from error
        except BaseException:
            model.close()
            raise
        weakref.finalize(session, model.close)  # it may open the file once more, for inputs of other shapes
        return Loaded(id=current, folder=folder, release=release, session=session)


def _session(path: Path, release: Release) -> Session:
    target = find(release.session.target)
    target.prepare()
    signature = target.check(path)
    options = release.session.options
    shapes = None
    if options.fixed_shapes:
        shapes = input_shapes(signature.inputs, release.states, release.session.shapes)
    return target.open(path, options, signature, shapes)
