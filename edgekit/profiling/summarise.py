"""From slices of samples to one measurement with intervals, and a reason for every figure that is missing."""

from __future__ import annotations

import dataclasses
import re
import statistics
from collections.abc import Sequence

from edgekit.profiling.energy import summarise_energy
from edgekit.profiling.enforce import enforced_warnings
from edgekit.profiling.latency import (
    by_launch,
    cpu_seconds,
    latency_of,
    latency_warnings,
    paced_of,
    paced_warnings,
    slice_mean,
)
from edgekit.profiling.measure import Taken
from edgekit.profiling.slowed import slowed_of, slowed_warnings
from edgekit.profiling.soak import summarise_soak
from edgekit_targets.agent.protocol import Opened, Ran
from edgekit_targets.hardware.conditions import worst_of
from edgekit_targets.types.profile import Conditions, DeviceParity, Latency, Measurement, Memory, disturbed_too_much

STORAGE_ONLY = "fp16 saves storage only on a processor, which computes in fp32 here; it is meant for GPU and NPU"
_PROCESSORS = ("cpu", "openvino")


def summarise(taken: Taken, created: str) -> Measurement:
    """One subject's measurement; a subject that failed has nulls and says why."""
    subject = taken.subject
    warnings: list[str] = [] if taken.failure is None else [taken.failure]
    if taken.stopped is not None:
        warnings.append(f"stopped after {taken.launches}: {taken.stopped}")
    elif not taken.complete and taken.failure is None:
        warnings.append("interrupted: fewer samples than planned")
    latency = latency_of(taken.slices, taken.places)
    if latency is not None:
        warnings += latency_warnings(latency)
    elif taken.failure is None:
        warnings.append("latency: no sample was taken")
    if taken.retaken:
        warnings.append(
            f"{taken.retaken} of {len(taken.slices)} slices were disturbed by other processes and taken again"
        )
    every = subject.every_seconds
    paced = None if every is None else paced_of(taken.slices, taken.places, every)
    warnings += paced_warnings(paced, every)
    disturbed = _disturbed(taken.slices, warnings)
    slowed = slowed_of([ran.yardstick_seconds for ran in taken.slices])
    warnings += slowed_warnings(slowed)
    cpu = slice_mean(taken.slices, taken.places, cpu_seconds)
    if latency is not None and cpu is None:
        warnings.append("cpu time: this system does not tell it")
    marks = _marks(taken)
    peaks = [one.peak_bytes for one in marks]
    peaks += [one.process_peak_bytes for one in taken.opened if one.process_peak_bytes is not None]
    memory = _memory(taken, marks, warnings)
    parity = _parity(taken.opened)
    if taken.opened and parity is None:
        warnings.append("parity: the bundle has no golden outputs or no tolerance for this artifact")
    warnings += _counted([text for one in taken.opened for text in one.warnings], len(taken.opened), "launches")
    warnings += _counted([text for ran in taken.slices for text in ran.warnings], len(taken.slices), "slices")
    if parity is not None and not parity.passed:
        warnings.append(
            f"parity: this processor computes something else (off by {parity.max_abs_error:.3g}, "
            f"tolerance {parity.tolerance:.3g}); the candidate cannot be picked"
        )
    if subject.artifact.precision == "fp16" and subject.target in _PROCESSORS:
        warnings.append(STORAGE_ONLY)
    energy = summarise_energy(taken, warnings)
    warnings += enforced_warnings(taken.enforced)
    return Measurement(
        artifact=subject.artifact.id,
        sha256=subject.artifact.sha256,
        family=subject.artifact.family,
        mode=subject.artifact.mode,
        precision=subject.artifact.precision,
        target=subject.target,
        threads=subject.options.threads,
        spinning=subject.options.spinning,
        arena=subject.options.arena,
        fixed_shapes=subject.options.fixed_shapes and not any(_refused(one) for one in taken.opened),
        cuda_graph=subject.options.cuda_graph,
        facts=taken.opened[0].facts if taken.opened else None,
        call_seconds=_median([one.call_seconds for one in taken.opened if one.call_seconds is not None]),
        device_memory=max(
            (one.device_memory for one in taken.opened if one.device_memory is not None),
            key=lambda one: one.added_bytes,
            default=None,
        ),
        batch=subject.batch,
        length=subject.length,
        every_seconds=every,
        runtime_version=taken.opened[0].runtime_version if taken.opened else None,
        created=created,
        latency=latency,
        cpu_seconds_per_inference=cpu[0] if cpu else None,
        cpu_low_seconds_per_inference=cpu[1] if cpu else None,
        cpu_high_seconds_per_inference=cpu[2] if cpu else None,
        load_seconds=_median([one.load_seconds for one in taken.opened]),
        first_run_seconds=_median([one.first_run_seconds for one in taken.opened]),
        cpu_of_slices=_cpu_of_slices(taken, latency),
        throughput_per_second=subject.batch / latency.mean_seconds if latency is not None and every is None else None,
        memory=memory,
        memory_low_bytes=min((one.added_bytes for one in marks), default=None),
        memory_high_bytes=max((one.added_bytes for one in marks), default=None),
        process_memory_low_bytes=min(peaks, default=None),
        process_memory_high_bytes=max(peaks, default=None),
        energy=energy,
        parity=parity,
        warnings=tuple(warnings),
        valid=taken.failure is None
        and latency is not None
        and (parity is None or parity.passed)
        and not disturbed_too_much(disturbed),
        complete=taken.complete,
        stopped=taken.stopped,
        paced=paced,
        soak=summarise_soak(taken),
        conditions=_conditions(taken),
        disturbed=disturbed,
        enforced=taken.enforced,
        slowed=slowed,
    )


def _counted(lines: Sequence[str], total: int, unit: str) -> list[str]:
    """Each kind of warning once, with how often it came; figures inside do not make it another kind."""
    kinds: dict[str, list[str]] = {}
    for line in lines:
        kinds.setdefault(re.sub(r"[0-9.]+", "#", line), []).append(line)
    return [
        f"{found[0]} (in {len(found)} of {total} {unit})" if len(found) < total else found[0]
        for found in kinds.values()
    ]


def _disturbed(slices: Sequence[Ran], warnings: list[str]) -> float | None:
    """The share of the measured time in which something disturbed it; swapping spoils everything."""
    wall = sum(ran.wall_seconds for ran in slices)
    if not wall:
        return None
    found = [one for ran in slices for one in ran.disturbances]
    warnings += _counted([one.detail for one in found], len(slices), "slices")
    share = sum(ran.wall_seconds for ran in slices if ran.disturbances) / wall
    if any(one.kind == "swap" for one in found):
        share = 1.0
    if disturbed_too_much(share):
        warnings.insert(0, f"disturbed for {share:.0%} of the time it was measured; it cannot be picked")
    return share


def _conditions(taken: Taken) -> tuple[Conditions, ...]:
    """Before, after, and the worst met in between."""
    told = [*(one.conditions for one in taken.opened), *(ran.conditions for ran in taken.slices)]
    states = [one for one in told if one is not None]
    worst = worst_of(states)
    return () if worst is None else (states[0], states[-1], worst)


def _memory(taken: Taken, launches: Sequence[Memory], warnings: list[str]) -> Memory | None:
    if not launches:
        if taken.opened:
            warnings.append("memory: this system has no high-water mark that can be reset")
        return None
    return max(launches, key=lambda one: one.peak_bytes - one.baseline_bytes)


def _cpu_of_slices(taken: Taken, latency: Latency | None) -> tuple[float | None, ...]:
    if latency is None:
        return ()
    told = {place: cpu_seconds(ran) for place, ran in zip(taken.places, taken.slices, strict=True)}
    return tuple(told[place] for place in zip(latency.launch_of, latency.round_of, strict=True))


def _marks(taken: Taken) -> list[Memory]:
    """The memory of each launch, with what was resident in and after its slices: running goes on there, and growing."""
    slices = by_launch(list(zip(taken.places, taken.slices, strict=True)))
    found = []
    for number, opened in enumerate(taken.opened):
        if opened.memory is not None:
            own = slices[number] if number < len(slices) else []
            settled = max(
                (ran.steady_bytes for ran in own if ran.steady_bytes is not None), default=opened.memory.steady_bytes
            )
            peaks = [ran.peak_bytes for ran in own if ran.peak_bytes is not None]
            run_peak = max(opened.memory.run_peak_bytes, settled, *peaks)
            found.append(dataclasses.replace(opened.memory, steady_bytes=settled, run_peak_bytes=run_peak))
    return found


def _refused(opened: Opened) -> bool:
    return opened.facts is not None and opened.facts.refused is not None


def _parity(launches: Sequence[Opened]) -> DeviceParity | None:
    found = [one.parity for one in launches if one.parity is not None]
    return max(found, key=lambda one: (not one.passed, one.max_abs_error), default=None)


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
