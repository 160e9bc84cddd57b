"""A bar on stderr for long work: a real one on a terminal, one line a stage elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from edgekit.terminal.interrupt import check

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Bar:
    """A context manager that can be called as an :class:`edgekit_targets.progress.Progress`."""

    def __init__(self) -> None:
        self._bar: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._seen: set[str] = set()

    def __enter__(self) -> Self:
        """Start drawing, if anybody can see it."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description:<24}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the bars as they stand."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, stage: str, done: float, total: float) -> None:
        """Move the bar of ``stage``; stages appear in the order in which they are first named.

        Raises:
            KeyboardInterrupt: there was a Ctrl-C that got lost.
        """
        check()
        if self._bar is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._bar.add_task(stage, total=total)
            self._bar.update(self._tasks[stage], completed=done, total=total)
        elif stage not in self._seen:
            self._seen.add(stage)
            print(f"edgekit: {stage} ...", file=sys.stderr, flush=True)  # noqa: T201
