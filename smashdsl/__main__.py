"""`python -m smashdsl` is `smashdsl`."""

import sys

from smashdsl.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
