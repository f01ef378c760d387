# make run: install and run the embedded default. make test: install and run every check.
# make studies: run a miniature of every study.
# make fuzz: read 100,000 damaged files. make test-faults: kill and break runs, and see them recover.
# make bench: measure speed and memory, and show one table; benchmarks/results holds it.
# make docs: the documentation as a site that opens from a disk, site/index.html.

PYTHON ?= python3
VENV ?= .venv
CORES ?= all
WORKERS ?= 2
CASES ?= 100000
BIN := $(VENV)/bin

.PHONY: run studies test fuzz test-faults test-slurm bench check docs install install-test install-docs clean

run: install
	$(BIN)/snakemake --cores $(CORES) --quiet reason

# A miniature of every study, alone: each takes at most 3 minutes on 2 cores.
studies: install
	for file in config/studies/*.yaml; do \
	  study=$$(basename $$file .yaml); \
	  $(BIN)/snakemake --cores $(CORES) --quiet reason --configfile config/miniature.yaml \
	    --config "studies=[$$study]" name=miniature-$$study results=results-miniature/$$study || exit 1; \
	done

test: install-test check
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadgroup --durations 10

fuzz: install-test
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/campaign.py --cases $(CASES)

# As root, the disks too: full ones and read-only ones.
test-faults: install-test
	OMP_NUM_THREADS=1 $(BIN)/python tests/faults/run_faults.py

# As root: installs SLURM where need be, starts its daemons and ends them. FULL=1: the embedded default.
test-slurm: install-test
	$(BIN)/pip install --requirement requirements-cluster.txt
	MEPFLOW_SLURM_FULL=$(FULL) $(BIN)/pytest tests/slurm

bench: install
	$(BIN)/python benchmarks/run_all.py

check: install-test docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/python tools/write_config_reference.py --check
	$(BIN)/snakemake --lint

docs: install-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

install: $(VENV)/installed
install-docs: $(VENV)/installed-docs
install-test: $(VENV)/installed-test

$(VENV)/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "mepflow needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --requirement requirements.txt
	touch $@

$(VENV)/installed-test: $(VENV)/installed requirements-test.txt
	$(BIN)/pip install --requirement requirements-test.txt
	touch $@

$(VENV)/installed-docs: $(VENV)/installed requirements-docs.txt
	$(BIN)/pip install --requirement requirements-docs.txt
	touch $@

clean:
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache
