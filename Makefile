# `make demo` shows the whole chain on this machine; `make test` proves it. Both set up what they need.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup system demo test lint docs bench chaos clean
help:
	@echo "make demo    set up, then run the main job on this machine (ONCE=1: leave with its status)"
	@echo "make test    set up, then check style, types, layers and all tests"
	@echo "make docs    the documentation as pages, in docs/_build/"
	@echo "make bench   ratios against baselines, measured in one run"
	@echo "make chaos   the slow runs: kill -9 under load, many seeds"

setup: .venv/ready

.venv/ready: pyproject.toml requirements.txt scripts/make-venv
	PYTHON=$(PYTHON) scripts/make-venv
	@touch $@

system:
	@scripts/install-debian-packages

demo: setup
	@scripts/install-debian-packages --optional
	$(BIN)/alertd demo $(if $(ONCE),--once)

# Two at once: half of the time the tests wait for processes. A file stays together, with what its tests share.
test: setup system lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Any warning fails it: a link that leads nowhere, a page that the navigation does not have.
docs: setup
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build
	@echo "docs/_build/index.html"

bench: setup system
	$(BIN)/python -m bench

chaos: setup system
	$(BIN)/python -m pytest -m chaos

clean:
	rm -rf docs/_build .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
