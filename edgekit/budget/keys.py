"""What a budget can limit: a plain list, one line a key."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.budget.units import Dimension


@dataclass(frozen=True)
class Key:
    """A limit's name, the dimension of its value and whether the figure must stay below it (``upper``) or above."""

    name: str
    dimension: Dimension
    upper: bool
    meaning: str


KEYS = [
    Key("p99", "time", True, "99th percentile of the time of one inference"),
    Key("p50", "time", True, "median time of one inference"),
    Key("memory", "bytes", True, "what the model adds to a process that has imported the runtime, at its peak"),
    Key("process_memory", "bytes", True, "peak of the whole process, interpreter and runtime included"),
    Key("size", "bytes", True, "size of the .onnx file"),
    Key("accuracy", "share", False, "share of the test split answered right"),
    Key("accuracy_drop", "share", True, "accuracy lost against the fp32 artifact of the same model, validation split"),
    Key("deadline_miss", "share", True, "share of inputs answered after their deadline, at a pace"),
    Key("cpu", "share", True, "share of one core, at a pace"),
    Key("energy", "energy", True, "energy of one inference"),
]


def find_key(name: str) -> Key | None:
    """The key called ``name``, or None."""
    return next((key for key in KEYS if key.name == name), None)
