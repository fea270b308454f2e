# Two commands matter on a fresh machine: `make demo` and `make test`. Both create the environment from the lock.

.DEFAULT_GOAL := help
.PHONY: help demo test quick bench profile campaigns campaigns-teeth checks lint types mypy basedpyright contracts
.PHONY: tests format lock clean

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Byte code is kept, also where the environment says otherwise: the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=
# The first Python of at least 3.11 that is found; say PYTHON=… to choose another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done)

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/runtime  ## Run the main job: shops, service and a local Conversion API, on this machine alone
	@$(BIN)/python -m adapter demo

test: $(VENV)/dev  ## Everything CI runs: linters, types, import contracts, tests on both databases
	@$(MAKE) --no-print-directory --jobs 2 checks
	@$(MAKE) --no-print-directory tests

# They need no more than one core each, so two at a time are done in half the time.
checks: basedpyright mypy lint contracts

quick: $(VENV)/dev  ## The tests that need no real process, no database server and no patience, in under a minute
	$(BIN)/python -m pytest -n 2 -q -m "not processes and not campaign" -k "not postgresql" \
		$(addprefix --ignore tests/,campaigns laws storage delivery test_arrival.py test_server.py operations/test_demo.py)

# tests/campaigns is named so that its conftest, which prints the table, is read by the process that prints.
campaigns: $(VENV)/dev  ## The long proofs: random orders against the money laws, real processes against every fault
	$(BIN)/python -m pytest -n 2 -q -m campaign --timeout 3600 tests/campaigns tests

bench: $(VENV)/dev  ## What an order costs and how that grows: mapping, sending, taking, beside others and in floods
	$(BIN)/python tests/benchmarks/mapping.py
	$(BIN)/python tests/benchmarks/draining.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/latency.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/intake.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/growth.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/beside.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/hostile.py

profile: $(VENV)/dev  ## Where an order's microseconds go, as tables
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/breakdown.py

campaigns-teeth: $(VENV)/dev  ## Twenty planted bugs, each in a copy: which campaign catches it
	PYTHONPATH=tests $(BIN)/python -m campaigns.teeth

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: mypy basedpyright

mypy: $(VENV)/dev
	$(BIN)/mypy

basedpyright: $(VENV)/dev
	$(BIN)/basedpyright

contracts: $(VENV)/dev
	$(BIN)/lint-imports

# CI has Debian's packages chromium and php-cli. Where they are missing, what needs them is left out, and it is said.
DEBIAN := $(shell command -v php >/dev/null && { command -v chromium || command -v chromium-browser; } 2>/dev/null)

tests: $(VENV)/dev
	$(BIN)/python -m pytest -n 2 -m "not campaign$(if $(DEBIAN),, and not debian)" --cov --cov-report=term
	@$(if $(DEBIAN),:,echo "NOT RUN: the tests in a real browser and a real PHP. They need: apt-get install chromium php-cli")

format: $(VENV)/dev  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/dev  ## Renew the lock files from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-header \
		--python-version 3.11 --group build --output-file requirements.txt
	uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-header \
		--python-version 3.11 --group build --group dev --output-file requirements-dev.txt

clean:  ## Remove the environment and everything that tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache build
	find adapter tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, and $(or $(PYTHON),nothing) was found; say PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/runtime: $(VENV)/python requirements.txt pyproject.toml
	$(PIP) --require-hashes --requirement requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.txt
	$(PIP) --require-hashes --requirement requirements-dev.txt
	@touch $@
