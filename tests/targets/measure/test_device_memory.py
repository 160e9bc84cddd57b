from __future__ import annotations

from edgekit_targets.measure.device_memory import DeviceMarks
from edgekit_targets.types.profile import DeviceConditions


class Scripted:
    source = "a script"

    def __init__(self, *values: int | OSError) -> None:
        self.values = list(values)

    def used(self) -> int:
        value = self.values.pop(0)
        if isinstance(value, OSError):
            raise value
        return value

    def conditions(self) -> DeviceConditions | None:
        return None


def marked(*values: int | OSError) -> DeviceMarks:
    marks = DeviceMarks(Scripted(*values))
    for _ in range(3):
        marks.mark()
    return marks


def test_the_context_is_no_part_of_the_model() -> None:
    memory = marked(300, 340, 330).memory()
    assert memory is not None
    assert (memory.baseline_bytes, memory.loaded_bytes, memory.run_bytes) == (300, 340, 330)
    assert (memory.added_bytes, memory.source) == (40, "a script")
    less = marked(300, 290, 280).memory()
    assert less is not None
    assert less.added_bytes == 0


def test_a_meter_that_stops_telling_gives_a_reason_and_no_figure() -> None:
    marks = marked(300, OSError("it broke"))
    assert marks.memory() is None
    assert marks.reason == "the device's own memory was not measured: it broke"


def test_where_the_memory_is_the_hosts_there_is_nothing_to_say() -> None:
    marks = DeviceMarks(None)
    marks.mark()
    assert marks.memory() is None
    assert marks.reason is None
