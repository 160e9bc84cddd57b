# edgekit: make help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CUDA_VENV := .venv-cuda
STAMP := $(VENV)/.installed
BROWSER_AND_DEVICE_PARTS := chromium openssh-server qemu-user-static

.DEFAULT_GOAL := help
.PHONY: help compare test test-fast test-pi test-cuda bench lint format install system-deps package clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

compare: $(STAMP) ## The main job: train, export, verify, profile, pick, report (about a minute after installing)
	$(BIN)/edgekit compare

test: $(STAMP) ## All tests, with the real runtimes: two at a time, then those that judge what they measure
	$(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder -m "not alone and not cuda"
	$(BIN)/python -m pytest -m alone

test-fast: $(STAMP) ## The tests that train, export and measure nothing
	$(BIN)/python -m pytest --numprocesses 2 --dist loadscope -m "not slow and not cuda"

lint: $(STAMP) ## Format, lint and type checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## Put the code in its standard form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

install: $(STAMP) ## Prepare .venv for development

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "edgekit needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all]" --group dev
	touch $(STAMP)

system-deps: ## Install by apt what some tests need: a browser, an ssh server, an emulator
	@set -e; missing=""; \
	for part in $(BROWSER_AND_DEVICE_PARTS); do dpkg -s $$part >/dev/null 2>&1 || missing="$$missing $$part"; done; \
	if [ -z "$$missing" ]; then echo "system parts are there"; else \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq; \
	  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing; fi

test-pi: $(STAMP) ## The tests with an emulated Raspberry Pi behind a real ssh server (part of make test)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadscope tests/pi

test-cuda: ## The tests that need an NVIDIA GPU, in .venv-cuda with onnxruntime-gpu (no part of make test)
	test -x $(CUDA_VENV)/bin/python || $(PYTHON) -m venv $(CUDA_VENV)
	$(CUDA_VENV)/bin/python -m pip install --quiet --constraint constraints.txt "pip>=25.1"
	$(CUDA_VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[cuda,export]" --group dev
	$(CUDA_VENV)/bin/python -m pytest -m cuda tests/targets/runtimes tests/edgekit/profiling

bench: $(STAMP) ## Timings against what people would otherwise use, as ratios of interleaved runs
	@failed=0; for one in $(basename $(notdir $(wildcard tests/benchmarks/*.py))); do \
	  $(BIN)/python -m tests.benchmarks.$$one || failed=1; done; exit $$failed

package: $(STAMP) ## Build the wheel and the source archive into dist/
	$(BIN)/python -m build

clean: ## Remove .venv, .venv-cuda, caches and built files (results in edgekit-out/ stay)
	rm -rf $(VENV) $(CUDA_VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
