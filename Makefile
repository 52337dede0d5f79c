# Everything runs from .venv, which these targets make: a machine with Python 3.11+ (venv) and make is enough.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test torture lint format docs clean

demo: .venv/run.stamp
	$(BIN)/python tools/demo.py $(ARGS)

test: .venv/dev.stamp
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report --skip-covered --fail-under=85

# SECONDS=300 takes as much of each step as fits; SEED=n another seed; STEP=soak one step
torture: .venv/dev.stamp
	$(BIN)/python tools/torture/ladder.py $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(STEP),--only $(STEP))

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tools/cli_reference.py tools/acceptance.py tools/demo.py
	$(BIN)/mypy tools/demo
	$(BIN)/mypy tools/torture
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

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage build dist
