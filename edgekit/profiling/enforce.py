"""``profile --enforce``: each candidate once more inside a memory limit that the device's kernel enforces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.budget.load import load_budget
from edgekit.budget.units import UnitError, parse_quantity
from edgekit.profiling.measure import Taken, open_request
from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.protocol import Enforce, Run
from edgekit_targets.errors import AgentGone, EdgekitError, InputError
from edgekit_targets.progress import Progress
from edgekit_targets.types.profile import Enforced

_SAMPLES, _SECONDS = 20, 5.0


@dataclass(frozen=True, kw_only=True)
class MemoryLimit:
    """What a process may use, in bytes; ``added_bytes`` on top of what it holds before the model is loaded."""

    process_bytes: int | None = None
    added_bytes: int | None = None

    def of(self, baseline_bytes: int | None) -> int | None:
        """The limit of one process, the stricter of the two; null where its baseline is needed and not known."""
        if self.added_bytes is None:
            return self.process_bytes
        if baseline_bytes is None:
            return self.process_bytes
        added = baseline_bytes + self.added_bytes
        return added if self.process_bytes is None else min(added, self.process_bytes)


def parse_enforce(text: str | None) -> MemoryLimit | None:
    """Read ``--enforce``: a size for the whole process (``128MiB``), or a budget with ``memory`` or ``process_memory``.

    Raises:
        InputError: neither, or a budget that limits no memory.
    """
    if text is None:
        return None
    try:
        return MemoryLimit(process_bytes=int(parse_quantity(text, "bytes")))
    except UnitError:
        pass
    try:
        limits = {limit.name: int(limit.value) for limit in load_budget(text).limits}
    except InputError as error:
        raise InputError(f"--enforce {text!r} is no size such as 128MiB, and no budget: {error}") from error
    found = MemoryLimit(process_bytes=limits.get("process_memory"), added_bytes=limits.get("memory"))
    if found == MemoryLimit():
        raise InputError(f"--enforce {text!r}: this budget limits neither memory nor process_memory; give a size")
    return found


def enforce_all(agent: Agent, taken: Sequence[Taken], limit: MemoryLimit, progress: Progress) -> None:
    """Try every candidate that could be measured inside its limit, adding the outcome to ``taken``."""
    wanted = [one for one in taken if one.failure is None and one.opened]
    for number, one in enumerate(wanted):
        progress("enforce", number, len(wanted))
        memory = one.opened[0].memory
        size = limit.of(memory.baseline_bytes if memory is not None else None)
        if size is None:
            one.enforced = Enforced(
                limit_bytes=limit.added_bytes or 0,
                lived=None,
                oom_kills=None,
                reason="the memory before loading was not measured here; limit the process instead: --enforce 128MiB",
            )
            continue
        handle = f"enforce.{one.subject.key}"
        run = Run(
            handle=handle,
            samples=_SAMPLES,
            max_seconds=_SECONDS,
            warmup_seconds=0.0,
            every_seconds=None,
        )
        try:
            one.enforced = agent.enforce(Enforce(model=open_request(handle, one.subject), run=run, limit_bytes=size))
        except AgentGone:
            raise
        except EdgekitError as error:
            one.enforced = Enforced(limit_bytes=size, lived=None, oom_kills=None, reason=str(error))
    progress("enforce", len(wanted), len(wanted))


def enforced_warnings(enforced: Enforced | None) -> list[str]:
    """What a reader of the measurement must know of it."""
    if enforced is None or enforced.lived:
        return []
    size = f"{enforced.limit_bytes / 2**20:.1f} MiB"
    if enforced.lived is None:
        return [f"enforce: not tried inside {size}: {enforced.reason}"]
    return [f"enforce: killed inside {size}: {enforced.reason}"]
