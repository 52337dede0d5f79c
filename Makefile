# Everything runs from .venv, which these targets make: a machine with Python 3.11+ (venv) and make is enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP ?= $(BIN)/python -m pip --quiet --disable-pip-version-check
# processes that run tests at the same time: three for two cores, as a test waits half of its time
WORKERS ?= $(shell echo $$((($$(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2)))

# the tests sync thousands of files: a file system in memory saves a fifth of their time
ifndef TMPDIR
MEMORY := $(shell [ -w /dev/shm ] && df -k /dev/shm | awk 'NR == 2 && $$4 > 4000000 { print "/dev/shm" }')
ifdef MEMORY
test fast coverage: export TMPDIR := $(MEMORY)
endif
endif

# the tests start thousands of programs, and each would compile all its modules again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check fast coverage torture conformance bench recall screenshots lint format docs clean

demo: $(VENV)/demo.stamp
	$(BIN)/python -m tools.demo $(ARGS)

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

# what every change should pass before it is committed, in less than a minute
check: lint fast

fast: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not slow" --no-rebuild

# coverage of the fast tests; from Python 3.12 on the interpreter counts lines at little cost
coverage: $(VENV)/dev.stamp
	COVERAGE_CORE=$$($(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")') \
		$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not slow" \
		--cov --cov-report=term:skip-covered --cov-fail-under=70

# SECONDS=300 limits the time of all steps; SEED=n is another seed; STEP=soak runs one step
torture: $(VENV)/dev.stamp
	$(BIN)/python -m tests.torture.ladder $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(STEP),--only $(STEP))

# the suites of agent frameworks on our stores, each in an environment of its own in the user's cache;
# ONLY=openai_agents runs one, SAMPLE=1 what .ci/run runs, in two minutes once the environments are there
conformance: $(VENV)/dev.stamp
	$(BIN)/python -m tools.conformance $(if $(ONLY),--only $(ONLY)) $(if $(SAMPLE),--sample)

# QUICK=1 takes two minutes and changes nothing in docs/; ONLY=search measures one part, and with
# UPDATE=1 replaces its row in docs/;
# AGAINST=FOLDER compares with another checkout of this project, which has its own .venv
ifdef AGAINST
bench: $(VENV)/run.stamp
	$(BIN)/python -m tools.bench.compare $(AGAINST) $(if $(ONLY),--only $(ONLY))
else
bench: .venv-bench/bench.stamp
	.venv-bench/bin/python -m tools.bench.run $(if $(QUICK),--quick) $(if $(UPDATE),--update) \
		$(if $(ONLY),--only $(ONLY))
endif

# LOCOMO=FOLDER asks its questions, too; UPDATE=1 writes docs/recall.md
recall: .venv-bench/bench.stamp
	.venv-bench/bin/python -m tools.recall.run $(if $(LOCOMO),--locomo $(LOCOMO)) $(if $(UPDATE),--update)

# of every page of the viewer, into build/screenshots; UPDATE=1 takes those of the README again, too
screenshots: $(VENV)/dev.stamp
	$(BIN)/python -m tools.screenshots $(if $(UPDATE),--update)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/run.stamp
	$(BIN)/python -m tools.cli_reference --write
	$(BIN)/python -m tools.sql_reference --write
	$(BIN)/python -m tools.api_reference --write

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# the version in journal/__init__.py is part of what pip installs
$(VENV)/run.stamp: pyproject.toml journal/__init__.py | $(BIN)/python
	$(PIP) install --editable .
	touch $@

# the demonstration ends with the viewer
$(VENV)/demo.stamp: pyproject.toml journal/__init__.py | $(BIN)/python
	$(PIP) install --editable '.[web]'
	touch $@ $(VENV)/run.stamp

$(VENV)/dev.stamp: pyproject.toml journal/__init__.py | $(BIN)/python
	$(PIP) install --editable '.[dev]'
	touch $@ $(VENV)/run.stamp $(VENV)/demo.stamp

# hermes-agent pins its dependencies, so it has its own environment
.venv-bench/bench.stamp: pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	touch $@

clean:
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage build dist
