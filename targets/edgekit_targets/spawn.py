"""Starting a Python process that runs a module of this package, and saying how one ended."""

from __future__ import annotations

import os
import signal
import site
import sys
from pathlib import Path

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_HINTS = {
    "SIGKILL": "often the system ran out of memory",
    "SIGILL": "this build needs instructions that the processor lacks",
    "SIGSEGV": "a crash in the runtime",
    "SIGABRT": "the runtime gave up",
    "SIGBUS": "a crash in the runtime, or a file that shrank",
}


def python_module(module: str, *arguments: str) -> list[str]:
    """The command line that runs ``module`` with this interpreter; ``-P`` keeps the current folder off its path."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """This process's environment, one thread for numpy's linear algebra, and this package on the path.

    The package is put there by hand only where it does not lie in a place that Python searches anyway: in a checkout,
    or in the one file that is pushed to a device.
    """
    variables = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
    root = str(Path(__file__).absolute().parents[1])
    if root not in (*site.getsitepackages(), site.getusersitepackages()):
        before = variables.get("PYTHONPATH")
        variables["PYTHONPATH"] = f"{root}{os.pathsep}{before}" if before else root
    return variables


def say_exit(code: int) -> str:
    """How a process ended, from its return code as :mod:`subprocess` gives it."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"was killed by signal {-code}"
    hint = _HINTS.get(name)
    return f"was killed by {name}" + (f" ({hint})" if hint else "")
