# Two commands: `make run` starts termprom, `make test` runs everything that must pass.
# Both set up a virtual environment in .venv first; only python3 (3.11 or newer) and make are needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: run serve test quick format lint types contracts pytest bench clean setup

run: $(VENV)/.installed
	@exec $(BIN)/termprom $(ARGS)

serve: $(VENV)/.installed
	@exec $(BIN)/termprom serve $(ARGS)

setup: $(VENV)/.installed-dev

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "termprom needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

test: lint types contracts pytest

quick: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m 'not slow and not peer and not benchmark'

format: $(VENV)/.installed-dev
	$(BIN)/ruff format termprom tests
	$(BIN)/ruff check --fix termprom tests

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check termprom tests
	$(BIN)/ruff check termprom tests

types: $(VENV)/.installed-dev
	$(BIN)/mypy

contracts: $(VENV)/.installed-dev
	$(BIN)/lint-imports

pytest: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m 'not benchmark'

bench: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m benchmark tests/benchmarks -s

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
