# make demo   environment, then every figure at demo scale
# make test   environment, then linters and tests
# make bench  side-by-side timings against other libraries

PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= 2
BIN := .venv/bin

.PHONY: env demo test lint bench

env:
	@$(PYTHON) tools/environment.py

demo: env
	$(BIN)/snakemake demo --cores $(CORES) --quiet rules host
	@echo; echo "Figures, each as PDF, PNG and caption (.md):"; ls demo/figures/*.pdf demo/figures/*/*.pdf
	@echo "What the claims are judged by, without verdicts, for a demonstration has none: demo/results/claims.csv"

lint: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint --quiet host

test: lint
	$(BIN)/python -m pytest -n $(CORES) --dist loadfile

bench: env
	$(BIN)/python -m benchmarks
