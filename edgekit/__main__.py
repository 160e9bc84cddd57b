"""``python -m edgekit``."""

import sys

from edgekit.main import main

if __name__ == "__main__":
    sys.exit(main())
