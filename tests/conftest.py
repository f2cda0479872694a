"""Settings of every test."""

from __future__ import annotations

import os

# The networks of the tests are tiny: a second thread costs more than it brings, and far more when cores are shared.
os.environ.setdefault("OMP_NUM_THREADS", "1")
