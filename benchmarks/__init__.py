"""What the compiler and the runtime cost, measured on this machine: `python -m benchmarks`."""

from __future__ import annotations

import os

# read by numpy and torch when they are first imported: process time is only comparable on one thread
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"
