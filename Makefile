# What people and the build machine run, by the same names. `make` alone lists them.
#
# A fresh machine needs make, bash and Python 3.11 or newer; everything else is installed into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # two installations at once would break the one .venv

PYTHON ?= python3
WORKERS ?= 2
MINUTES ?= 10

VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
INSTALLED_LOCAL := $(VENV)/.installed-local
ASR_SERVER := $(VENV)/servers/open-asr-server
INSTALL := $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check
IS_USABLE := import sys, pip; sys.exit(sys.version_info < (3, 11))

.PHONY: help setup local lab demo test formats fuzz lint types layers check wheel clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A stamp is newer than pyproject.toml once its dependencies are in; a changed pyproject.toml installs again. Tools
# are started as modules of the interpreter, because the scripts of a venv that was moved point to where it was.
define venv
@$(VENV_PYTHON) -c '$(IS_USABLE)' 2>/dev/null || { \
  $(PYTHON) -c '$(IS_USABLE)' || { \
    echo 'voxtrald needs Python 3.11 or newer, with pip; name one: make PYTHON=python3.12' >&2; exit 1; }; \
  $(PYTHON) -m venv --clear $(VENV); }
endef

$(INSTALLED): pyproject.toml
	$(venv)
	$(INSTALL) --editable '.[dev]'
	@touch $@

# The recogniser has a stamp of its own: it is large, and most tests do without it.
$(INSTALLED_LOCAL): pyproject.toml
	$(venv)
	$(INSTALL) --editable '.[local]'
	@touch $@

setup: $(INSTALLED) ## install all that the tests need (nothing outside .venv)

# A real server that others wrote, for the tests of `engine.kind: openai`. Its dependencies are its own.
$(ASR_SERVER)/.installed: | $(INSTALLED)
	$(VENV_PYTHON) -m venv --clear $(ASR_SERVER)
	$(ASR_SERVER)/bin/python -m pip install --quiet --disable-pip-version-check 'open-asr-server[faster-whisper]==0.3.0'
	@touch $@

local: $(INSTALLED) $(INSTALLED_LOCAL) $(ASR_SERVER)/.installed ## install what the tests that listen need
	$(VENV_PYTHON) -m tests.speech.fetch

lab: ## install what the tests of the systemd service need (Debian packages, outside .venv, as root)
	@command -v systemd-analyze unshare nsenter setpriv runuser ip >/dev/null && test -x /lib/systemd/systemd || { \
	  test "$$(id -u)" = 0 || { echo 'make lab needs root' >&2; exit 1; }; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd dbus util-linux iproute2; }

demo: $(INSTALLED_LOCAL) ## watch it work: a real daemon, a recording, a recogniser on this machine; no key, no cost
	$(VENV_PYTHON) -m voxtrald demo --folder demo

test: $(INSTALLED) ## run the whole test suite
	$(VENV_PYTHON) -m pytest --numprocesses=$(WORKERS) --dist=loadgroup

formats: $(INSTALLED) ## try two hours of every format, some minutes; write the table in docs/formats.md
	$(VENV_PYTHON) -m tests.formats.table

fuzz: $(INSTALLED) ## fuzz what reads strangers' bytes, MINUTES (10) for each of two fuzzers
	$(INSTALL) --editable '.[fuzz]'
	$(VENV_PYTHON) -m tests.fuzz.guided --minutes $(MINUTES)
	$(VENV_PYTHON) -m tests.fuzz.mutating --minutes $(MINUTES)

lint: $(INSTALLED) ## check format and style
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m ruff check .

types: $(INSTALLED) ## check types, strictly
	$(VENV_PYTHON) -m mypy

layers: $(INSTALLED) ## check who imports whom, the sizes, and the files around the program
	$(VENV_PYTHON) -m pytest --quiet tests/test_layers.py tests/test_sizes.py tests/test_project.py

check: lint types layers ## run everything that answers within a minute

wheel: $(INSTALLED) ## build the wheel, install it elsewhere, test the command it installs
	.ci/wheel $(VENV_PYTHON)

clean: ## remove what building and testing left (.venv and your recordings stay)
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +
