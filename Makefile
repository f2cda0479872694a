PYTHON ?= python3
INSTALLED := .venv/.installed

.PHONY: setup demo test check bench fuzz docs

setup: $(INSTALLED)

# Installed once for each state of the two files that say what to install.
$(INSTALLED): pyproject.toml constraints.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -e '.[dev]' -c constraints.txt
	touch $@

demo: setup
	.venv/bin/smashdsl search examples/fashion.smash

test: setup
	.venv/bin/pytest -n auto --maxprocesses=4 --dist=worksteal

check: setup
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy smashdsl benchmarks
	.venv/bin/smashdsl fmt --check examples
	.venv/bin/smashdsl lint examples/*.smash

bench: setup
	.venv/bin/python -m pip install -q -e '.[bench]' -c constraints.txt
	.venv/bin/python -m benchmarks

# The site of the documentation, in site/.
docs: setup
	.venv/bin/python -m pip install -q -e '.[docs]' -c constraints.txt
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

fuzz: setup
	nice .venv/bin/python scripts/fuzz.py
