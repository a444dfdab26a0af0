# make demo and make test are all that a newcomer needs; both reuse what an earlier run left.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
CUDA_VENV := .venv-cuda
PIP    := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest -c pyproject.toml --rootdir=tests --import-mode=importlib
# A process per core, up to four; what the tests of a file share is made once.
SPREAD := -n auto --maxprocesses=4 --dist loadfile

# The installed package is a tree of links (editable_mode=strict), which type checkers can follow. An edit needs nothing;
# a new or deleted file needs a new tree.
INSTALL  := $(PIP) install --quiet -c constraints.txt --config-settings editable_mode=strict
PACKAGED := __init__.py py.typed kernels renderers scenes sim

.PHONY: help demo test lint types slow faults gpu cuda-compile cuda-record bench clean FORCE
.DEFAULT_GOAL := help

help:
	@echo 'make demo    install into .venv, generate 256 rows of the tabletop scene into data/demo'
	@echo 'make test    lint, types and the quick tests'
	@echo 'make slow    the tests that take minutes        make gpu    those that need a CUDA device'
	@echo 'make faults  kill, full-disk, bit-flip and hostile-file campaigns, with their counts'
	@echo 'make cuda-compile  every kernel for CUDA, without a GPU; make cuda-record TESTS=... notes what new ones are given'
	@echo 'make bench   the benchmarks                     make clean  remove .venv, build and caches'

demo: $(VENV)/.package
	$(BIN)/simloom generate tabletop -n 256 -o data/demo

test: lint types
	$(PYTEST) $(SPREAD) -q -m 'not slow and not gpu' tests

lint: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.tools
	$(BIN)/mypy -p simloom

slow: $(VENV)/.tools
	$(PYTEST) -q -m slow tests

# Two runs side by side: most campaigns keep one core busy.
faults: $(VENV)/.tools
	$(PYTEST) -q -m slow tests/faults/test_kill_points.py & kills=$$!; \
	$(PYTEST) -q -m slow tests/faults --ignore=tests/faults/test_kill_points.py; code=$$?; \
	wait $$kills && exit $$code

gpu: $(VENV)/.tools
	$(INSTALL) -e '.[gpu]'
	$(PYTEST) -q -m gpu tests

# A virtual environment of its own: numba-cuda brings a compiler, and nothing else here needs one.
# KERNELS=... for some kernels, FLAGS=--types to hold Numba's types beside numba-cuda's, FLAGS=--accept for new counts.
cuda-compile: $(CUDA_VENV)/.package
	$(CUDA_VENV)/bin/python tests/cuda_compile/compile_kernels.py $(KERNELS) $(FLAGS)

cuda-record: $(VENV)/.tools
	$(PYTEST) -q -p cuda_compile.record $(TESTS)

bench: $(VENV)/.package
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) $(CUDA_VENV) build *.egg-info tests/.pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(CUDA_VENV)/.package: tests/cuda_compile/constraints.txt pyproject.toml $(VENV)/.files
	$(PYTHON) -m venv $(CUDA_VENV)
	$(CUDA_VENV)/bin/python -m pip --disable-pip-version-check install --quiet \
	    -c tests/cuda_compile/constraints.txt 'setuptools>=77' numpy numba 'numba-cuda[cu12]'
	$(CUDA_VENV)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation \
	    --config-settings editable_mode=strict -e .
	@touch $@

# Written only when the list of files changes, so that the rule after it runs only then.
$(VENV)/.files: FORCE | $(BIN)/python
	@find $(PACKAGED) -type f ! -name '*.pyc' ! -path '*/.*' | LC_ALL=C sort > $@.now
	@cmp -s $@.now $@ && rm $@.now || mv $@.now $@

$(VENV)/.package: pyproject.toml constraints.txt $(VENV)/.files | $(BIN)/python
	$(INSTALL) -e .
	@touch $@

$(VENV)/.tools: pyproject.toml constraints.txt $(VENV)/.files | $(BIN)/python
	$(INSTALL) -e '.[test]'
	@touch $(VENV)/.package $@
