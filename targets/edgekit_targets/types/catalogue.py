"""What is known about a kind of hardware before anything is measured on it. Facts; not a budget."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Source:
    """A document and the figures of the entry that are taken from it, by the names they have there."""

    title: str
    url: str
    figures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Usable:
    """Whether a target can be used on this hardware: how, or why not."""

    usable: bool
    note: str


@dataclass(frozen=True, kw_only=True)
class Trap:
    """Something that has gone wrong on this hardware before, what to do about it, and where that is written down."""

    what: str
    remedy: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Marks:
    """By what a machine is recognised.

    ``models`` are beginnings of the model that its firmware tells (device tree), ``cpus`` regular expressions searched
    in the name of the processor, ``targets`` runtimes that must be able to run there. An empty list says nothing.
    """

    models: tuple[str, ...] = ()
    cpus: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One kind of hardware. What differs from machine to machine, or has no source, is null or empty.

    ``memory_bytes`` are the sizes it is sold with, smallest first. ``isa`` are the words of
    :class:`edgekit_targets.types.profile.Device` that every one of the kind has, ``lacks`` those that none has.
    ``threads`` are counts worth measuring. ``energy`` says what its energy can be read from, ``memory_controller``
    whether the system can hold a process inside a memory limit.
    """

    name: str
    title: str
    processor: str | None
    cores: int | None
    memory_bytes: tuple[int, ...]
    architecture: str
    isa: tuple[str, ...]
    lacks: tuple[str, ...]
    threads: tuple[int, ...]
    energy: str | None
    memory_controller: str | None
    targets: dict[str, Usable]
    traps: tuple[Trap, ...]
    marks: Marks
    sources: tuple[Source, ...]
