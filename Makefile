# `make` lists what can be done. Each command makes its own environment in .venv the first time.
#
# PYTHON=...   the Python to use (3.11 is preferred)
# WORKERS=...  how many processes run the tests

VENV ?= .venv
WORKERS ?= auto
ARGS ?=

# A command may exist and not work (pyenv's do so), hence each is tried.
PYTHON ?= $(shell for python in python3.11 python3.10 python3.12 python3.13 python3 python; do \
	$$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
		2>/dev/null && echo $$python && break; done)

RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help install demo test deep upstream-tests upstream-tests-quick \
	upstream-failures bench bench-quick bench-report bench-peers lint format types docs doctor clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\): .*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 30

install: $(VENV)/installed-dev  ## make the environment for development

demo: $(VENV)/installed-demo  ## train on real digits: ARGS="--epochs 5" passes options
	$(RUN) -m nengo_layers_plus demo $(ARGS)

doctor: $(VENV)/installed-demo  ## say whether this machine can run it, and if not, what to do
	$(RUN) -m nengo_layers_plus doctor

# A file's tests run in one process, so that what they share is made once.
test: $(VENV)/installed-tests  ## run the tests
	$(RUN) -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile $(ARGS)

deep: $(VENV)/installed-tests  ## run the long random tests
	$(RUN) -m pytest -n $(WORKERS) --maxprocesses 4 -m "deep or hypothesis" \
		--hypothesis-profile deep --timeout 0 $(ARGS)

# The folder of the installed packages is the root, so that the tests have the same names, and from
# them the same seeds, everywhere.
UPSTREAM = $(RUN) -m pytest -c tests/upstream/pytest.ini -n $(WORKERS) --maxprocesses 4 \
	--rootdir $$($(RUN) -c 'import nengo; print(nengo.__path__[0])')/..

# test_str is of the class's name, test_merged_generic wants nengo.AdaptiveLIF to run in Python,
# test_uneven_batch_size wants predict to drop items, test_multi_input_warning a loss of 0.0 where
# there are no targets, and test_training_arg the targets of one step to be repeated for ten.
upstream-tests: $(VENV)/installed-upstream  ## run nengo_dl's and nengo's own tests on our classes
	$(UPSTREAM) $(QUICK) --replace Simulator \
		--deselect nengo_dl/tests/test_neurons.py::test_merged_generic \
		--deselect nengo_dl/tests/test_simulator.py::test_uneven_batch_size \
		--deselect nengo_dl/tests/test_keras.py::test_multi_input_warning \
		--deselect nengo_dl/tests/test_tensor_node.py::test_training_arg \
		--pyargs nengo_dl.tests nengo $(ARGS)
	$(UPSTREAM) --replace Layer --deselect nengo_dl/tests/test_tensor_node.py::test_str \
		--pyargs nengo_dl.tests.test_tensor_node $(ARGS)

upstream-tests-quick: QUICK = --quick
upstream-tests-quick: upstream-tests  ## run a part of them

upstream-failures: $(VENV)/installed-upstream  ## list which of them fail on nengo_dl's own Simulator
	$(UPSTREAM) --write-known-failures --pyargs nengo_dl.tests nengo $(ARGS)

bench: $(VENV)/installed-benchmarks  ## measure how fast all is; 25 to 40 minutes on 2 idle cores
	$(RUN) -m pytest benchmarks --benchmark-autosave \
		--benchmark-columns=min,median,max,rounds --benchmark-sort=name $(ARGS)

bench-quick: $(VENV)/installed-benchmarks  ## a small part of it, and whether numbers agree, in 3 minutes
	$(RUN) -m pytest benchmarks --quick \
		--benchmark-columns=min,median,max,rounds --benchmark-sort=name $(ARGS)

bench-report: $(VENV)/installed-benchmarks  ## write docs/benchmarks.md of benchmarks/results
	$(RUN) -m benchmarks.report $(ARGS)

# The others are installed, each with its own upper bounds, in .venv-peers. ARGS="--quick" is short.
bench-peers: $(VENV)/installed-benchmarks  ## measure it beside snnTorch, SpikingJelly, Norse and KerasSpiking
	$(RUN) -m benchmarks.peers.environments
	$(RUN) -m pytest benchmarks/peers --benchmark-autosave -rs \
		--benchmark-columns=min,median,max,rounds --benchmark-sort=name $(ARGS)

lint: $(VENV)/installed-dev  ## check the style of the code, and which way imports point
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/lint-imports --no-cache --no-logo

format: $(VENV)/installed-dev  ## repair the style of the code
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

types: $(VENV)/installed-dev  ## check the types
	$(RUN) -m mypy

docs: $(VENV)/installed-docs  ## build the documentation and run its examples
	$(RUN) -m sphinx -W --keep-going -b html docs docs/_build/html
	$(RUN) -m sphinx -W --keep-going -b doctest docs docs/_build/doctest

clean:  ## remove the environments and what was built
	rm -rf $(VENV) .venv-peers build dist docs/_build *.egg-info .mypy_cache .pytest_cache .ruff_cache

# One environment for all: each extra is added to it when it is first needed, or when setup.cfg
# changes.
$(VENV)/installed-%: setup.cfg pyproject.toml | $(RUN)
	$(PIP) install --editable ".[$*]"
	@# The README says why: nengo-dl is no dependency on Python 3.12 and later.
	@$(RUN) -c 'import sys; sys.exit(sys.version_info >= (3, 12))' || { set -ex; \
		$(PIP) install "setuptools<81"; \
		$(PIP) install --no-build-isolation "nengo-dl==3.6.0"; }
	@touch $@

# Debian's Python can't put pip into an environment; its pip can.
$(RUN):
	@test -n "$(PYTHON)" || { echo "No working Python from 3.10 to 3.13: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { $(PYTHON) -m venv --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(RUN) install pip; }
