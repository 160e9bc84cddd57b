"""``python -m edgekit``, and what the ``edgekit`` command runs."""

import sys

from edgekit.terminal.interrupt import listening


def main() -> int:
    """Import the commands and run one; Ctrl-C ends without a traceback from the first moment on."""
    with listening():
        try:
            from edgekit.main import main as run

            return run()
        except KeyboardInterrupt:
            print("edgekit: interrupted", file=sys.stderr)  # noqa: T201
            return 130


if __name__ == "__main__":
    sys.exit(main())
