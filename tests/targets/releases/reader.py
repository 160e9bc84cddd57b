"""An application that opens the current release again and again.

python -m tests.targets.releases.reader FOLDER OPENS
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from edgekit_targets.releases.format import MODEL, PROFILE, SIGNATURE

EVERY = 10


def main(folder: Path, opens: int) -> dict[str, int]:
    """Open so often; any error ends it."""
    seen: set[str] = set()
    last, changes = "", 0
    for number in range(opens):
        counter = (folder / "current" / MODEL).read_text().removeprefix(f"{MODEL} ")
        assert counter.isdecimal(), counter
        changes += counter != last
        last = counter
        seen.add(counter)
        if number % EVERY == 0:  # more than one file of the same release: the link is read once
            release = folder / (folder / "current").readlink()
            texts = [(release / name).read_text().removeprefix(f"{name} ") for name in (MODEL, PROFILE, SIGNATURE)]
            assert len(set(texts)) == 1, texts
    return {"opens": opens, "seen": len(seen), "changes": changes}


if __name__ == "__main__":
    print("ready", flush=True)
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
