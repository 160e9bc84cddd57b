"""One lane of the storm: a process that changes a store without end, is killed again and again, and what it leaves.

    python -m tests.targets.releases.storm FOLDER KILLS SEED

Forking without starting Python anew makes a thousand of them affordable.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from edgekit_targets.errors import EdgekitError
from edgekit_targets.releases.boot import ScriptedBoot
from edgekit_targets.releases.install import confirm, install, rollback
from edgekit_targets.releases.store import Store
from tests.targets.releases.bench import sick, small_release, small_steps


def main(folder: Path, kills: int, seed: int) -> dict[str, int]:
    """Kill so often; gives what was reached."""
    chance = random.Random(seed)
    folder.mkdir()
    steps = small_steps()
    store = Store(folder / "device", boot=ScriptedBoot())
    start = time.monotonic()
    install(small_release(folder / "0", 1), store, steps)
    once = time.monotonic() - start
    switched = went_back = 0
    for kill in range(kills):
        before, accepted = store.current(), store.state().accepted
        child = os.fork()
        if child == 0:
            _change_for_ever(folder, store, accepted, chance.randrange(1 << 30), kill)
        time.sleep(chance.uniform(0.0, 2.0 * once))
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "a change ended in an error"
        with store.locked():
            went_back += store.recover() is not None
        for name in store.held():
            steps.verify(store.path(name))
        assert store.current() in store.held()
        assert store.previous() in (None, *store.held())
        assert store.state().accepted >= accepted
        steps.verify(store.folder / "current")
        switched += store.current() != before
    return {"kills": kills, "switched": switched, "went_back": went_back, "accepted": store.state().accepted}


def _change_for_ever(folder: Path, store: Store, counter: int, seed: int, kill: int) -> None:
    """In the child: whatever can be asked of a store, in random order."""
    chance = random.Random(seed)
    try:
        for number in itertools.count():
            act = chance.choice(("install", "install", "sick", "wait", "rollback", "prune"))
            with contextlib.suppress(EdgekitError):
                if act in ("install", "sick", "wait"):
                    counter += 1
                    shipped = small_release(folder / f"{kill + 1}-{number}", counter)
                    within = 60.0 if act == "wait" else None
                    install(
                        shipped, store, small_steps(sick) if act == "sick" else small_steps(), confirm_within=within
                    )
                    if within is not None:
                        confirm(store)
                elif act == "rollback":
                    rollback(store, small_steps())
                else:
                    with store.locked():
                        store.recover()
                        store.prune(1)
    finally:
        os._exit(1)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
