# Three commands for a newcomer: make demo, make test, make bench. Each sets up what it needs by itself (see tools/setup.py).
PYTHON ?= python3
BIN := .venv/bin
# Tests that may share the machine's cores run two at a time; the slow ones measure or kill, and run alone.
PYTEST := $(BIN)/python -m pytest
COVERAGE_FLOOR := 90

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check bench crash pin

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

demo: ## real calls become webhooks in five wire formats, each checked as it arrives (KEEP=1 stays up)
	@$(PYTHON) tools/setup.py run
	@$(BIN)/ringback demo $(if $(KEEP),--keep)

check: ## format, lint, types, layers, sizes
	@$(PYTHON) tools/setup.py test
	@$(BIN)/python tools/check.py

test: check ## everything that a change must pass (minutes)
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest -n 2 --dist loadfile -m "not slow"
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report --skip-covered --show-missing --fail-under=$(COVERAGE_FLOOR)

crash: ## kill -9 in rounds, disk full: the slow tests that judge what survives
	@$(PYTHON) tools/setup.py test
	@$(PYTEST) -m slow tests/crash

test-all: test ## test, the slow ones, and what healthy endpoints keep while others hang, at length
	@$(PYTEST) -m slow
	@$(PYTHON) tools/setup.py bench
	@$(BIN)/python bench/run.py hang

bench: ## what it reaches on this machine: a table, and bench-results.json
	@$(PYTHON) tools/setup.py bench
	@$(BIN)/python bench/run.py $(BENCH)

pin: ## write constraints.txt anew
	@$(PYTHON) tools/pin.py
