"""The device's commands as real processes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit_targets.spawn import environment, python_module

Make = Callable[..., Path]


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*python_module("edgekit_targets"), *map(str, arguments)]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=120)


def answer(*arguments: str | Path) -> Any:
    done = call(*arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_life_of_releases(root: Path, make_release: Make) -> None:
    one, two = make_release(1), make_release(2)
    first = answer("install", one, "--root", root)
    print(first)
    second = answer("install", two, "--root", root, "--confirm-within", "60")
    print(second)
    print(answer("releases", "--root", root))
    print(answer("confirm", "--root", root))
    print(answer("rollback", "--root", root))
    print(answer("prune", "--root", root))
