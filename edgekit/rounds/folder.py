"""The folder of a run: new, begun, or finished."""

from __future__ import annotations

from pathlib import Path

from edgekit.rounds.play import CARD
from edgekit.rounds.work import FILE
from edgekit_targets.errors import InputError
from edgekit_targets.files import check_free


def check_out(out: Path, *, force: bool) -> bool:
    """Refuse a folder that is taken, and say whether there is something in it to go on from.

    Args:
        out: need not exist.
        force: replace the card and the page of a finished run; what it measured is kept and used.

    Raises:
        InputError: a file, a folder that something else wrote, a finished run without ``force``, or no permission.
    """
    if (out / CARD).exists() and not force:
        raise InputError(
            f"--out {out} holds a finished run; choose another folder, or make its card again from what it measured "
            "with --force"
        )
    begun = (out / FILE).is_file() or (out / CARD).is_file()
    if not begun:
        check_free(out, force=out.is_dir() and not any(out.iterdir()), marker=FILE)
    return begun
