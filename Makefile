# Two commands are enough: `make run` shows Dogwatch at work, `make test` checks it.
# Needed beforehand: Python 3.11 or later with venv, make and git. Everything else is installed below.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
BENCH  := .venv-bench
LOCK_FLAGS := --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
              --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help install run test soak lint bench conformance lock clean

help: ## Show the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## Make the virtual environment and install what the lock file names

$(STAMP): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Dogwatch needs Python 3.11 or later; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "this Python has no venv module; on Debian: apt-get install python3-venv" >&2; exit 2; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP) ## Scan the bundled recordings with the built-in rules and show the alerts
	@$(BIN)/dogwatch scan examples --format table

test: $(STAMP) lint ## Run everything that CI runs: style, types, import contracts, tests, docs
	$(BIN)/python -m pytest -n 2 --dist worksteal -q

soak: $(STAMP) ## Fuzz for hours: the campaigns of tests/fuzz with many examples
	$(BIN)/python -m pytest -n 2 --dist worksteal -q --hypothesis-profile=soak tests/fuzz

lint: $(STAMP) ## Style, types and import contracts alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(STAMP) $(BENCH)/.installed ## Measure beside stated peers: all suites, or SUITE=a,b; CORPUS=dir, SCALE=2, MEMORY_GB=8
	@$(BIN)/python -m benchmarks $(SUITE) --peers $(BENCH)/bin/python $(if $(CORPUS),--corpus "$(CORPUS)") \
	  $(if $(SCALE),--scale $(SCALE)) $(if $(MEMORY_GB),--memory-gb $(MEMORY_GB))

# The peers live in an environment of their own: their licences and their dependencies stay out of ours.
$(BENCH)/.installed: benchmarks/requirements.lock
	"$(PYTHON)" -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.lock
	@touch $@

conformance: $(STAMP) ## Run a conformance suite on both evaluators: ours, or SUITE=dir, with data from DATA=dir
	@$(BIN)/python -m conformance $(if $(SUITE),"$(SUITE)") $(if $(DATA),--data "$(DATA)")

lock: $(STAMP) ## Write the lock files anew from the ranges in pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip-tools>=7.5,<8"
	$(BIN)/pip-compile $(LOCK_FLAGS) --extra dev --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile $(LOCK_FLAGS) --output-file benchmarks/requirements.lock benchmarks/requirements.in

clean: ## Remove what the commands above made
	rm -rf $(VENV) $(BENCH) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks conformance -name __pycache__ -type d -prune -exec rm -rf {} +
