"""What a run measured so far, on disk launch by launch, so that nobody who ends the process can take it away.

``BUNDLE/profiles/unfinished-<device>-<plan>.jsonl``: a line that says who measured and how, then one line a launch of a
candidate, appended and flushed when the launch is over. A run that ends in peace leaves only the launches of
candidates that it did not finish. The next run on that device goes on from them: the intervals hold at every look, so
they hold for launches of several runs too. A launch is in one measurement only, since the newest of a candidate counts.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.profiling.measure import Taken
from edgekit.profiling.plan import Plan
from edgekit_targets.agent.protocol import PROTOCOL, Opened, Ran
from edgekit_targets.errors import InputError, WriteFailed
from edgekit_targets.files import write_atomic
from edgekit_targets.records import dumps, loads, parse
from edgekit_targets.types.profile import Device

SCHEMA_VERSION = 1
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Head:
    """The first line. Launches of other lengths, or told in another protocol, cannot be added to."""

    schema_version: int
    protocol: int
    fingerprint: str
    rounds: int
    slice_samples: int
    slice_seconds: float
    warmup_seconds: float


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One launch of one candidate."""

    subject: str
    sha256: str
    launch: int
    opened: Opened
    rounds: tuple[int, ...]
    slices: tuple[Ran, ...]


class Journal:
    """The file of one device in one bundle; only the controller that holds the device's lock has it."""

    def __init__(self, folder: Path, device: Device, plan: Plan) -> None:
        """Stand for the file, which need not be there."""
        # By name too: machines that cannot be told apart may be measured at the same time.
        fingerprint = hashlib.sha256(f"{device.fingerprint} {device.name}".encode()).hexdigest()
        self._head = Head(
            schema_version=SCHEMA_VERSION,
            protocol=PROTOCOL,
            fingerprint=fingerprint,
            rounds=plan.rounds,
            slice_samples=plan.slice_samples,
            slice_seconds=plan.slice_seconds(None),
            warmup_seconds=plan.warmup_seconds,
        )
        slices = f"{plan.rounds}x{plan.slice_samples}x{plan.slice_seconds(None) * 1e3:.0f}ms"
        self.path = folder / f"unfinished-{fingerprint[:16]}-{slices}.jsonl"

    def read(self) -> tuple[list[Entry], str | None]:
        """The launches to go on from, and a line on why there are none although the file is there.

        A last line that is cut off is what a process leaves that was killed while it wrote; it is left out.
        """
        try:
            if not self.path.exists():
                return [], None
            if self.path.stat().st_size > _MOST_BYTES:
                return [], f"{self.path} is larger than 1 GiB and left out; measuring starts afresh"
            lines = self.path.read_bytes().split(b"\n")[:-1]
            if not lines:
                return [], None
            head = parse(Head, loads(lines[0].decode("utf-8"), str(self.path)), str(self.path))
            if head != self._head:
                return [], (
                    f"{self.path} is left out: another edgekit measured it (schema {head.schema_version}, protocol "
                    f"{head.protocol}; this one has {SCHEMA_VERSION} and {PROTOCOL}); measuring starts afresh"
                )
            return [
                parse(Entry, loads(line.decode("utf-8"), str(self.path)), f"{self.path}:{number}")
                for number, line in enumerate(lines[1:], 2)
            ], None
        except (OSError, UnicodeDecodeError) as error:
            return [], f"{self.path} cannot be read ({error}); measuring starts afresh"
        except InputError as error:
            return [], f"{error}; measuring starts afresh"

    def start(self, entries: Sequence[Entry]) -> None:
        """Begin with what is gone on from; whatever else was there is gone.

        Raises:
            WriteFailed: the folder cannot be written or the disk is full; the file is as it was.
        """
        write_atomic(self.path, "".join(dumps(one) + "\n" for one in (self._head, *entries)))

    def add(self, entry: Entry) -> None:
        """Append one launch and flush it to disk.

        Raises:
            WriteFailed: the disk is full, or the like; what was added before stays.
        """
        try:
            with self.path.open("ab") as file:
                file.write((dumps(entry) + "\n").encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise WriteFailed(
                f"cannot write {self.path}: {error.strerror}; free some space and run it again: what was measured "
                "before is kept"
            ) from error

    def end(self, entries: Sequence[Entry]) -> None:
        """Leave what the next run may go on from; no file where that is nothing.

        Raises:
            WriteFailed: as :meth:`start`.
        """
        if entries:
            self.start(entries)
        else:
            self.path.unlink(missing_ok=True)


def entry_of(one: Taken, launch: int) -> Entry:
    """The latest launch of a subject."""
    here = [(turn, ran) for (number, turn), ran in zip(one.places, one.slices, strict=True) if number == launch]
    return Entry(
        subject=one.subject.key,
        sha256=one.subject.artifact.sha256,
        launch=launch,
        opened=one.opened[-1],
        rounds=tuple(turn for turn, _ in here),
        slices=tuple(ran for _, ran in here),
    )


def go_on(taken: Sequence[Taken], entries: Sequence[Entry], versions: Mapping[str, str | None]) -> list[Entry]:
    """Give subjects their launches of earlier runs; gives those that were used.

    Launches with another runtime, of another file or that something disturbed are not.
    """
    wanted = {one.subject.key: one for one in taken}
    used = []
    for entry in sorted(entries, key=lambda each: each.launch):
        one = wanted.get(entry.subject)
        if one is None or entry.sha256 != one.subject.artifact.sha256:
            continue
        if entry.opened.runtime_version != versions.get(one.subject.target.partition(":")[0]):
            continue
        if any(ran.disturbances for ran in entry.slices) or not entry.slices:
            continue
        if any(place[0] == entry.launch for place in one.places):
            continue
        one.opened.append(entry.opened)
        one.slices += entry.slices
        one.places += [(entry.launch, turn) for turn in entry.rounds]
        one.earlier_launches, one.earlier_seconds = len(one.opened), one.seconds
        used.append(entry)
    return used
