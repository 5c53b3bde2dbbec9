# make demo   environment, then every figure at demo scale
# make test   environment, then linters and tests
# make bench  side-by-side timings against other libraries
# make docs   the documentation: build/site/index.html
# make verify trains some published networks again and compares every row

PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= 2
# Of the tests: one more than cores, because some wait for the processes that they watch.
WORKERS ?= $(shell expr $(CORES) + 1)
BIN := .venv/bin

# What verify trains, as model:seed; from a minute to some minutes each.
SCALE ?= laptop
NETWORKS ?= small-max:1 hmax-conv:1

.PHONY: env demo test lint bench docs verify

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
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

bench: env
	$(BIN)/python -m benchmarks

docs: env
	@$(BIN)/python tools/docs.py

verify: env
	$(BIN)/python workflow/scripts/verify.py $(SCALE) $(NETWORKS) --cores $(CORES)
