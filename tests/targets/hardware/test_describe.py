from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgekit_targets.hardware.describe import describe
from edgekit_targets.types.profile import Device

X86 = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Processor\nflags\t\t: fpu sse2 avx2 avx512f {extra}\n"
PI = (
    "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd {extra}crc32 cpuid\nCPU implementer\t: 0x41\n"
    "CPU part\t: {part}\n\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in {
        "proc/cpuinfo": X86.format(extra="avx_vnni"),
        "proc/meminfo": "MemTotal:        8000000 kB\nMemFree: 1 kB\n",
        "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
        "etc/machine-id": "0123456789abcdef\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_reads_what_is_there(root: Path) -> None:
    found = describe("lab-pi", root)
    assert found.name == "lab-pi"
    assert found.model == "Raspberry Pi 5 Model B Rev 1.0"
    assert found.cpu == "Intel(R) Xeon(R) Processor"
    assert found.memory_bytes == 8_000_000 * 1024
    assert found.os == "Debian GNU/Linux 12 (bookworm)"
    assert found.governor == "ondemand"
    assert found.cores == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("extra", "isa"),
    [
        ("", ("avx2", "avx512f")),
        ("avx_vnni", ("avx2", "vnni", "avx512f", "avx_vnni")),
        ("avx512_vnni amx_int8", ("avx2", "vnni", "avx512f", "avx512_vnni", "amx_int8")),
    ],
)
def test_the_words_of_an_x86(root: Path, extra: str, isa: tuple[str, ...]) -> None:
    (root / "proc/cpuinfo").write_text(X86.format(extra=extra))
    assert describe(root=root).isa == isa


@pytest.mark.parametrize(
    ("part", "extra", "cpu", "isa"),
    [
        ("0xd08", "", "Cortex-A72", ("asimd",)),
        ("0xd0b", "asimdhp asimddp ", "Cortex-A76", ("arm-dotprod", "asimd", "asimddp", "asimdhp")),
        ("0xfff", "i8mm ", "ARM part 0xfff", ("asimd", "i8mm")),
    ],
)
def test_the_words_of_an_arm(root: Path, part: str, extra: str, cpu: str, isa: tuple[str, ...]) -> None:
    (root / "proc/cpuinfo").write_text(PI.format(part=part, extra=extra))
    found = describe(root=root)
    assert (found.cpu, found.isa) == (cpu, isa)
    (root / "proc/device-tree/model").unlink()
    assert describe(root=root).model == "Raspberry Pi 4 Model B Rev 1.4"


def test_the_fingerprint_is_the_machines_not_the_days(root: Path) -> None:
    before = describe(root=root).fingerprint
    (root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").write_text("performance")
    (root / "proc/meminfo").write_text("MemTotal:        8001000 kB\n")
    (root / "etc/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 13"\n')
    assert describe("renamed", root).fingerprint == before
    (root / "etc/machine-id").write_text("another")
    assert describe(root=root).fingerprint != before


def test_a_gpu_is_part_of_the_machine_and_its_driver_is_not(root: Path) -> None:
    def machine(gpu: str | None, driver: str | None) -> Device:
        return describe(root=root, gpu=lambda: (gpu, driver))

    without, with_gpu = machine(None, None), machine("NVIDIA Toy", "580.1")
    assert (with_gpu.gpu, with_gpu.gpu_driver) == ("NVIDIA Toy", "580.1")
    assert with_gpu.hardware == f"{without.hardware}, NVIDIA Toy"
    assert with_gpu.fingerprint == machine("NVIDIA Toy", "590.2").fingerprint
    assert len({one.fingerprint for one in (without, with_gpu, machine("NVIDIA Other", "580.1"))}) == 3


def test_nothing_there_is_nothing_known(tmp_path: Path) -> None:
    found = describe(root=tmp_path)
    assert (found.model, found.cpu, found.memory_bytes, found.governor, found.isa) == (None, None, None, None, ())
    assert found.os
    assert len(found.fingerprint) == 64


def test_a_pc_says_its_product(root: Path) -> None:
    (root / "proc/device-tree/model").unlink()
    (root / "sys/class/dmi/id").mkdir(parents=True)
    (root / "sys/class/dmi/id/product_name").write_text("XPS 13\n")
    assert describe(root=root).model == "XPS 13"


def test_this_machine_is_described_twice_alike() -> None:
    assert describe() == describe()
