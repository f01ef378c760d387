# make run: install and run the embedded default. make test: install and run every check.
# make studies: run a miniature of every study.
# make fuzz: read 100,000 damaged files. make test-faults: kill and break runs, and see them recover.
# make rehearsal: run config/paper.yaml at full width on made-up archives, with trainings of a few steps.
# make bench: measure speed and memory, and show one table; benchmarks/results holds it.
# make bench-gpu: check and measure the network on a GPU, in at most six minutes.
# make docs: the documentation as a site that opens from a disk, site/index.html.
# make install LOCK=1: install what requirements.lock says, checked by SHA-256. make lock: write it anew.
# make wheel: the package that predicts, in dist/. make sbom: what is installed, as CycloneDX, sbom.json.

PYTHON ?= python3
VENV ?= .venv
CORES ?= all
WORKERS ?= 2
CASES ?= 100000
BIN := $(VENV)/bin
RELEASE := $(VENV)/release

.PHONY: run studies test fuzz test-faults test-slurm rehearsal bench bench-gpu check docs install install-test
.PHONY: install-docs install-release lock wheel sbom clean

run: install
	PYTHONPATH=workflow/scripts $(BIN)/python -m mepflow run --cores $(CORES)

# A miniature of every study, alone: each takes at most 3 minutes on 2 cores.
studies: install
	for file in config/studies/*.yaml; do \
	  study=$$(basename $$file .yaml); \
	  $(BIN)/snakemake --cores $(CORES) --quiet reason --configfile=config/miniature.yaml \
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

rehearsal: install
	$(BIN)/python tools/make_rehearsal_archives.py
	$(BIN)/snakemake --cores $(CORES) --quiet reason --configfile \
	  config/paper.yaml config/rehearsal.yaml
	$(BIN)/python benchmarks/rehearsal.py

bench: install
	$(BIN)/python benchmarks/run_all.py

bench-gpu: install
	$(BIN)/python benchmarks/gpu.py

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
ifeq ($(LOCK),1)
	$(BIN)/pip install --require-hashes --requirement requirements.lock
endif
	$(BIN)/pip install --requirement requirements.txt
	touch $@

$(VENV)/installed-test: $(VENV)/installed requirements-test.txt
	$(BIN)/pip install --requirement requirements-test.txt
	touch $@

$(VENV)/installed-docs: $(VENV)/installed requirements-docs.txt
	$(BIN)/pip install --requirement requirements-docs.txt
	touch $@

# Its head is kept. The lines of `via` are dropped: they change with every release of anything.
lock: install-release
	{ sed '/^[^#]/,$$d' requirements.lock; \
	  { grep -v '^torch==' requirements.txt; sed -n 's/^#   torch needs //p' requirements.lock; } \
	  | $(RELEASE)/bin/uv pip compile - --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet; \
	} > requirements.lock.new
	mv requirements.lock.new requirements.lock

wheel: install-test
	$(BIN)/pip wheel --no-deps --no-build-isolation --wheel-dir dist .

sbom: install install-release
	$(RELEASE)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  --output-file sbom.json $(BIN)/python

# In an environment of its own: what makes a release is none of what runs.
install-release: $(RELEASE)/installed
$(RELEASE)/installed: requirements-release.txt
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/pip install --requirement requirements-release.txt
	touch $@

clean:
	rm -rf $(VENV) dist sbom.json site .pytest_cache .mypy_cache .ruff_cache
