# Everything runs from .venv, which these targets make: a machine with Python 3.11+ (venv) and make is enough.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test torture bench lint format docs clean

demo: .venv/run.stamp
	$(BIN)/python tools/demo.py $(ARGS)

test: .venv/dev.stamp
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report --skip-covered --fail-under=85

# SECONDS=300 takes as much of each step as fits; SEED=n another seed; STEP=soak one step
torture: .venv/dev.stamp
	$(BIN)/python -m tests.torture.ladder $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(STEP),--only $(STEP))

# QUICK=1 takes two minutes and changes nothing in docs/; ONLY=search measures one part
bench: .venv-bench/bench.stamp
	.venv-bench/bin/python tools/bench/run.py $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tools/cli_reference.py tools/acceptance.py tools/demo.py
	$(BIN)/mypy tools/demo
	$(BIN)/mypy tools/bench
	$(BIN)/mypy tools/hermes_cases.py
	$(BIN)/mypy tools/hermes_cases
	$(BIN)/lint-imports

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/run.stamp
	$(BIN)/python tools/cli_reference.py --write

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/dev.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ .venv/run.stamp

# hermes-agent pins its dependencies, and is not to choose ours
.venv-bench/bench.stamp: pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	touch $@

clean:
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage build dist
