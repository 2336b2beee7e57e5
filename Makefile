# Each target sets up what it needs in .venv by itself; a second call starts at once.
#
#   make demo                       the main job on the shipped sample
#   make test                       the test suite
#   make test-fast                  a minute of it: the library but for what decodes or trains
#   make check                      lint, types, import contracts
#   make coverage                   lines and branches of the library that test-fast runs; htmlcov/
#   make docs                       the documents and the API as a web site; site/
#   make demo INDEX=https://host/simple   take packages from another index
#   make demo PYTHON=python3.12     use another interpreter (3.11 to 3.13)

PYTHON ?= python3
INDEX ?=
ifneq ($(INDEX),)
export PIP_INDEX_URL := $(INDEX)
endif
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

FAST := tests/test_architecture.py tests/rainclean $(addprefix --ignore=tests/rainclean/,simulate spanet video)

.PHONY: demo test test-fast check coverage docs clean

demo: .venv/core-is-ready
	$(BIN)/rainclean demo

test: .venv/dev-is-ready
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(ARGS)

test-fast: .venv/dev-is-ready
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile -m 'not slow and not long' $(FAST) $(ARGS)

check: .venv/dev-is-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Compiled kernels are not seen by coverage: they count as not run.
coverage: .venv/dev-is-ready
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile -m 'not slow and not long' $(FAST) \
		--cov=rainclean --cov-report=term --cov-report=html $(ARGS)

docs: .venv/docs-is-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

clean:
	rm -rf .venv build dist demo-output htmlcov site .coverage

.venv/core-is-ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; (3,11) <= sys.version_info < (3,14) or sys.exit("rainclean needs Python 3.11 to 3.13, $(PYTHON) is " + sys.version.split()[0] + ": make ... PYTHON=python3.12")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "Setting up .venv (once) ..."
	@$(PIP) --editable '.[spanet]'
	@touch $@

.venv/dev-is-ready: .venv/core-is-ready
	@echo "Adding the development tools (once) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@

.venv/docs-is-ready: .venv/core-is-ready
	@echo "Adding what builds the documents (once) ..."
	@$(PIP) --editable '.[docs]'
	@touch $@
