"""The memory of a device that has its own, marked at the moments at which the host's is read."""

from __future__ import annotations

from edgekit_targets.runtimes.contract import DeviceMeter
from edgekit_targets.types.profile import DeviceMemory


class DeviceMarks:
    """Takes one mark before a model is loaded, one after that and one after its first run.

    The first contains what the driver, its context and the libraries hold, so that what comes later is the model's.
    """

    def __init__(self, meter: DeviceMeter | None) -> None:
        """Read ``meter``; without one there is nothing to tell, and no reason to give."""
        self._meter = meter
        self._marks: list[int] = []
        self.reason: str | None = None
        """Why nothing could be read; null where it could, and where the memory is the host's."""

    def mark(self) -> None:
        """Read once more."""
        if self._meter is None or self.reason is not None:
            return
        try:
            self._marks.append(self._meter.used())
        except OSError as error:
            self.reason = f"the device's own memory was not measured: {error}"

    def memory(self) -> DeviceMemory | None:
        """The three marks; null where one is missing."""
        if self._meter is None or self.reason is not None or len(self._marks) != 3:
            return None
        baseline, loaded, run = self._marks
        return DeviceMemory(baseline_bytes=baseline, loaded_bytes=loaded, run_bytes=run, source=self._meter.source)
