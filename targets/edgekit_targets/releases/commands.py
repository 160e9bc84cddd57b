"""The device's own commands, for a controller over ssh and for people without one.

    python3 edgekit-agent.pyz install FOLDER

Each prints one JSON document a line on the standard output, an error as one line on the standard error, and ends with
the exit codes of :mod:`edgekit_targets.errors`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from edgekit_targets import __version__
from edgekit_targets.errors import EdgekitError, InputError
from edgekit_targets.records import dumps
from edgekit_targets.releases.answers import Pruned, RolledBack
from edgekit_targets.releases.format import DEFAULT_NAME
from edgekit_targets.releases.store import DEFAULT_ROOT, MODELS, PATIENCE_SECONDS, Store
from edgekit_targets.releases.times import LONGEST_SECONDS, PROBE_SECONDS

INTERRUPTED = 130
_KEPT = 0


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives its exit code."""
    try:
        given = _parser().parse_args(arguments)
        for answer in given.run(given):
            print(dumps(answer), flush=True)  # noqa: T201
    except EdgekitError as error:
        print("edgekit:", " ".join(str(error).split()), file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        print("edgekit: interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    except BrokenPipeError:  # who asked has gone; what was done is done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see: {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="edgekit-agent",
        description="edgekit on a device. Without a command: the agent, which speaks to a controller over its pipes.",
    )
    parser.add_argument("--version", action="version", version=f"edgekit {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = _add(commands, "install", _install, "check a release, take it in, switch to it, prove it")
    one.add_argument("folder", type=Path, metavar="FOLDER", help="the release")
    _add_store(one, name=None)
    one.add_argument("--force-older", action="store_true", help="take in an older counter than was accepted")
    one.add_argument("--probe", metavar="CMD", help="a shell command that must succeed once the release is current")
    one.add_argument(
        "--probe-within",
        type=float,
        default=PROBE_SECONDS,
        metavar="SECONDS",
        help="how long that command may take (default: %(default)g)",
    )
    one.add_argument(
        "--confirm-within",
        type=float,
        metavar="SECONDS",
        help="go back by itself unless confirmed so soon; without, the health probe confirms",
    )
    _add_wait(one)
    one = _add(commands, "confirm", _confirm, "make a switch final that waits for it")
    _add_store(one)
    one.add_argument("--release", metavar="ID", help="only if this is current; confirming twice is no error")
    one = _add(commands, "rollback", _rollback, "go back to the previous release")
    _add_store(one)
    one.add_argument("--from", dest="leaving", metavar="ID", help="only if this is current")
    _add_wait(one)
    one = _add(commands, "releases", _releases, "list what is here")
    _add_store(one, name=None)
    one = _add(commands, "prune", _prune, "remove releases that are neither current nor previous")
    _add_store(one)
    one.add_argument("--keep", type=int, default=_KEPT, metavar="K", help="keep the K newest of them (default: 0)")
    one = _add(commands, "recover", _recover, "go back from a switch that was not finished, or confirmed in time")
    _add_store(one, name=None)
    keys = _add(commands, "keys", None, "whose releases are taken in").add_subparsers(required=True, metavar="COMMAND")
    for name, run, what in (
        ("trust", _trust, "take in releases signed by a key"),
        ("revoke", _revoke, "take in none of a key any more, for good"),
    ):
        one = _add(keys, name, run, what)
        one.add_argument("key", metavar="PATH.pub", help="the public key; - reads it from the standard input")
        _add_root(one)
    _add_root(_add(keys, "list", _keys, "list them"))
    return parser


def _add(
    commands: Any, name: str, run: Callable[[argparse.Namespace], list[Any]] | None, what: str
) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = commands.add_parser(name, help=what, description=what)
    if run is not None:
        one.set_defaults(run=run)
    return one


def _add_store(parser: argparse.ArgumentParser, name: str | None = DEFAULT_NAME) -> None:
    shown = "every one, or that of the release" if name is None else name
    parser.add_argument("--name", default=name, metavar="NAME", help=f"of the application's model (default: {shown})")
    _add_root(parser)


def _add_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        type=float,
        default=PATIENCE_SECONDS,
        metavar="SECONDS",
        help="how long to wait for another who is at work (default: %(default)g)",
    )


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root", default=_default_root(), metavar="FOLDER", help="of all models and keys (default: %(default)s)"
    )


def _default_root() -> str:
    """That in which ``edgekit device setup`` put this agent; the home's, where it lies elsewhere."""
    file = Path(__file__).absolute().parents[2]
    above = file.parents[1]
    return str(above) if file.is_file() and above.name == Path(DEFAULT_ROOT).name else DEFAULT_ROOT


def _root(given: argparse.Namespace) -> Path:
    # Links on the way stay as they are; a process that is started later may find itself in another folder.
    return Path(os.path.abspath(Path(given.root).expanduser()))  # noqa: PTH100


def _stores(given: argparse.Namespace) -> list[Store]:
    """The one that is named, or all there are."""
    if given.name is not None:
        return [Store(_root(given), given.name)]
    folders = sorted(folder for folder in (_root(given) / MODELS).glob("*") if folder.is_dir())
    return [Store(_root(given), folder.name) for folder in folders]


def _install(given: argparse.Namespace) -> list[Any]:
    from edgekit_targets.releases.install import install
    from edgekit_targets.releases.steps import real_steps

    if not 0.0 < given.probe_within <= LONGEST_SECONDS:
        raise InputError(f"--probe-within must be from 0 to {LONGEST_SECONDS:.0f} seconds, not {given.probe_within:g}")
    steps = real_steps(_root(given), given.probe, given.probe_within)
    name = given.name
    if name is None:
        name = steps.verify(given.folder)[0].name
    store = Store(_root(given), name, patience_seconds=given.wait)
    return [install(given.folder, store, steps, force_older=given.force_older, confirm_within=given.confirm_within)]


def _confirm(given: argparse.Namespace) -> list[Any]:
    from edgekit_targets.releases.install import confirm

    current, changed = confirm(Store(_root(given), given.name), given.release)
    return [{"name": given.name, "current": current, "changed": changed}]


def _rollback(given: argparse.Namespace) -> list[Any]:
    from edgekit_targets.releases.install import rollback
    from edgekit_targets.releases.steps import real_steps

    store = Store(_root(given), given.name, patience_seconds=given.wait)
    current, changed = rollback(store, real_steps(_root(given)), leaving=given.leaving)
    return [RolledBack(name=given.name, current=current, previous=store.previous(), changed=changed)]


def _releases(given: argparse.Namespace) -> list[Any]:
    from edgekit_targets.releases.listing import list_releases

    return [list_releases(store) for store in _stores(given)]


def _prune(given: argparse.Namespace) -> list[Any]:
    if given.keep < 0:
        raise InputError(f"--keep must be at least 0, not {given.keep}")
    store = Store(_root(given), given.name)
    with store.locked():
        store.recover()
        removed = store.prune(given.keep)
        return [Pruned(name=given.name, removed=tuple(removed), kept=tuple(store.held()))]


def _recover(given: argparse.Namespace) -> list[Any]:
    answers = []
    for store in _stores(given):
        with store.locked():
            back = store.recover()
            answers.append({"name": store.name, "went_back_from": back, "current": store.current()})
    return answers


def _trust(given: argparse.Namespace) -> list[Any]:
    from edgekit_targets.signing.ring import trust

    key = _key(given)
    trust(_root(given), key)
    return [{"key": key.id, "trusted": True}]


def _revoke(given: argparse.Namespace) -> list[Any]:
    from edgekit_targets.signing.ring import revoke

    key = _key(given)
    revoke(_root(given), key)
    return [{"key": key.id, "trusted": False}]


def _keys(given: argparse.Namespace) -> list[Any]:
    from edgekit_targets.signing.ring import read_ring

    ring = read_ring(_root(given))
    gone = [key.id for key in ring.revoked]
    return [{"trusted": [key.id for key in ring.trusted if key.id not in gone], "revoked": gone}]


def _key(given: argparse.Namespace) -> Any:
    from edgekit_targets.signing.keys import parse_public_key, read_public_key

    if given.key == "-":
        return parse_public_key(sys.stdin.buffer.read(1 << 16), "the standard input")
    return read_public_key(Path(given.key))
