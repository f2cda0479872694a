"""Settings of every test."""

from __future__ import annotations

import os

# The networks of the tests are tiny: a second thread costs more than it brings, and far more when cores are shared.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

# The same cases in every run of continuous integration, fresh ones everywhere else.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "fresh")
