# Everything that a newcomer runs. Works with GNU make 3.81 (macOS) and newer, on Python 3.11 or newer.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help environment parts demo test interop check bench chaos screenshots reference conformance interop-page mutants fuzz lock clean
.NOTPARALLEL:

# The first Python that is new enough; another one by `make PYTHON=/path/to/python …`.
PYTHON = $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then command -v "$$name"; break; fi; done)
BIN := .venv/bin
N = 100
TREES := src tests tools bench fuzz
INTEROP_JOURNEYS := $(wildcard tests/journeys/test_node_provider*.py tests/journeys/test_keycloak*.py \
	tests/journeys/test_glewlwyd*.py)

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-12s %s\n", $$1, $$2 }'

demo: .python ## Try Entracte: a campaign, a practice login and the manager, on this machine alone
	@$(PYTHON) -m tools.environment runtime
	@trap : INT; $(BIN)/entracte demo || { status=$$?; [ $$status -eq 130 ] || exit $$status; }

test: environment parts check ## Run everything that is checked: style, types, directions, all tests
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(PYTEST_ARGUMENTS)

interop: environment parts ## Sign in at servers by other hands: npm's oidc-provider, Keycloak, glewlwyd
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile tests/interop $(INTEROP_JOURNEYS)

environment: .python ## Make .venv with what the development needs
	@$(PYTHON) -m tools.environment development

parts: .python ## Find or install what the tests need of the system: a browser, PostgreSQL, Node.js, Keycloak
	@$(PYTHON) -m tools.parts

check: environment ## Check style, types and the directions of imports
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy $(TREES)
	@$(BIN)/lint-imports

bench: environment ## Measure what a sign-in costs, beside its peers: make bench ARGS=--quick
	@$(BIN)/python -m bench $(ARGS)

chaos: environment parts ## Kill processes under load, many times: make chaos N=1000
	@$(BIN)/python -m tests.chaos $(N)

screenshots: environment ## Take the pictures in docs/ anew, from the running program
	@$(BIN)/python tools/screenshots.py

reference: environment ## Write docs/reference/ anew, from the program's own code
	@$(BIN)/python tools/reference.py

conformance: environment parts ## Run the tests that show conformance, and write docs/conformance.md from what they did
	@$(BIN)/python tools/conformance.py

interop-page: environment parts ## Run the tests that show what works at which server, and write docs/interop.md from it
	@$(BIN)/python tools/interop.py

mutants: environment ## Change protocol/ in small ways and count what its tests notice: make mutants ARGS="jwe jws"
	@$(BIN)/python -m tools.mutants $(ARGS)

fuzz: environment ## Look for inputs that protocol/ does not expect, 600 s a target: make fuzz ARGS="60 jwe jws"
	@$(BIN)/python -m fuzz $(ARGS)

lock: .python ## Pin the dependencies anew after a change in pyproject.toml
	@$(PYTHON) -m tools.lock $(LOCK_ARGUMENTS)

clean: ## Remove what make made: the environment, installed parts, caches
	@rm -rf .venv .parts .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage dist
	@rm -rf tests/interop/oidc_provider/node_modules tests/accessibility/node_modules bench/node/node_modules
	@find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: .python
.python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Entracte needs Python 3.11 or newer, and there is none on this machine's path." >&2; \
		echo "Debian and Ubuntu: apt-get install python3 python3-venv. macOS: brew install python@3.13." >&2; \
		exit 1; \
	fi
