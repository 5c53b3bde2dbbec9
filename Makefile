# make demo   environment, then every figure at demo scale
# make test   environment, then linters and tests
# make bench  side-by-side timings against other libraries
# make advisories  whether a locked dependency has a known weakness; needs a network
# make cluster   environment with what SLURM needs (docs/cluster.md); make test-cluster tries it on a SLURM of its own
# make docs   the documentation: build/site/index.html
# make verify trains some published networks again and compares every row

# The system's python3 may be older than what is needed.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
CORES ?= 2
# Of the tests: one more than cores, because some wait for the processes that they watch.
WORKERS ?= $(shell expr $(CORES) + 1)
BIN := .venv/bin

# What verify trains, as model:seed; from a minute to some minutes each.
SCALE ?= laptop
NETWORKS ?= small-max:1 hmax-conv:1

.PHONY: env demo test lint bench docs advisories verify cluster test-cluster

env:
	@$(PYTHON) tools/environment.py

demo: env
	@$(BIN)/snakemake demo --cores $(CORES)

lint: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint --quiet host

test: lint
	$(BIN)/python -m pytest -rs -n $(WORKERS) --dist loadfile --no-loadscope-reorder

cluster:
	@$(PYTHON) tools/environment.py cluster

test-cluster: cluster
	$(BIN)/python -m pytest -rs tests/workflow/test_slurm.py tests/workflow/test_slurm_profile.py

bench: env
	$(BIN)/python -m benchmarks

docs: env
	@$(BIN)/python tools/docs.py

advisories: env
	$(BIN)/python tools/advisories.py

verify: env
	$(BIN)/python workflow/scripts/verify.py $(SCALE) $(NETWORKS) --cores $(CORES)
