"""Imports point from the seat to the workstation to the device, and nothing points back."""

import subprocess
import sys
from pathlib import Path


def test_import_linter_keeps_its_contracts(root: Path) -> None:
    code = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
