# `make help` lists what can be made. Nothing is installed outside this folder.
PYTHON ?= python3
RUNTIME ?= cpu
# heic, jxl, raw, redis, otel, stores, parquet, ray, separated by commas
# `make setup`: search, mlflow
EXTRAS ?=

comma := ,
extras := $(patsubst %,.venv/service-$(RUNTIME)/extra-%,$(subst $(comma), ,$(EXTRAS)))
training-extras := $(patsubst %,.venv/training/extra-%,$(subst $(comma), ,$(EXTRAS)))

.DEFAULT_GOAL := help
.PHONY: help install serve style check test test-ray test-processes coverage train bench chaos bench-gpu gpu-bundle fuzz setup build release audit docs links architecture reference format lock wheels clean

# Of the machine that `make gpu-bundle` is for: its version of Python; where PyTorch for CUDA 13 is
# installed, LIBRARIES=no; PART=40 spreads the wheels over folders of 40 MB at most.
BUNDLE_PYTHON ?=
LIBRARIES ?=
PART ?=

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

install: .venv/service-$(RUNTIME)/installed $(extras) ## install what serves, without serving

serve: .venv/service-$(RUNTIME)/installed $(extras) ## serve the models on 127.0.0.1:8000 (RUNTIME=gpu for CUDA, openvino for bfloat16; EXTRAS=heic,raw)
	$(if $(filter openvino,$(RUNTIME)),SERVICE_DEVICE=$${SERVICE_DEVICE:-openvino} )$(<D)/bin/python -m service serve

style: .venv/dev/installed ## check style, types and imports
	$(<D)/bin/ruff check .
	$(<D)/bin/ruff format --check .
	$(<D)/bin/mypy
	$(<D)/bin/lint-imports --no-logo

check: style ## check style, types and imports, then run the fast tests
	.venv/dev/bin/python -m pytest $(side-by-side) -m "not slow"

test: style ## check style, types and imports, then run every test
	.venv/dev/bin/python -m pytest $(side-by-side)

test-ray: .venv/ray/installed ## run the tests of Ray, on clusters of this machine alone
	$(<D)/bin/python -m pytest tests/ray

test-processes: .venv/ray/torch ## test training on several processes, for which it adds PyTorch to the environment of Ray's tests
	KERAS_BACKEND=torch $(<D)/bin/python -m pytest tests/training/test_photo_processes.py

# Tracing each line takes most of what the tests of the service take themselves.
coverage: .venv/dev/installed ## run every test and measure which branches of the service they take
	$(<D)/bin/python -m pytest $(side-by-side) --cov

# A file stays in one process, as its tests share fixtures. Tests wait for a quarter of their time:
# three processes keep two processors busy.
side-by-side := --numprocesses 3 --dist loadfile --no-loadscope-reorder

train: .venv/training/installed ## train, export, evaluate and draw all models of Fashion-MNIST (less than an hour)
	$(<D)/bin/python -m training train all
	$(<D)/bin/python -m training export all --replace
	$(<D)/bin/python -m training evaluate all
	$(<D)/bin/python -m training figures

bench: .venv/bench/installed .venv/service-cpu/installed ## compare with the bare limit and with other servers (Linux, 20 minutes)
	$(<D)/bin/python -m benchmarks

bench-gpu: .venv/bench/installed .venv/service-gpu/installed ## measure parity, speed, memory and settings on an NVIDIA GPU (ten minutes)
	.venv/bench/bin/python -m benchmarks.gpu.graphs
	.venv/service-gpu/bin/python -m benchmarks.gpu

gpu-bundle: .venv/bench/installed ## collect what bench-gpu needs on a machine without a network in dist/gpu
	$(<D)/bin/python -m benchmarks.gpu.bundle $(if $(BUNDLE_PYTHON),--python $(BUNDLE_PYTHON)) \
		$(if $(filter no,$(LIBRARIES)),--no-libraries) $(if $(PART),--part $(PART))

INPUTS ?= 10000000
EXAMPLES ?= 1000
fuzz: .venv/dev/fuzz ## fuzz every parser (INPUTS=10000000) and the HTTP API (EXAMPLES=1000 for each operation); hours, Linux
	.venv/dev/bin/python -m tests.fuzz all --inputs $(INPUTS)
	.venv/dev/bin/python -m tests.fuzz.contract --examples $(EXAMPLES)

chaos: .venv/dev/installed ## let faults befall the service under load, and compare every response (Linux, 90 minutes)
	$(<D)/bin/python -m tests.chaos

setup: .venv/training/installed $(training-extras) ## set up what trains, without training (EXTRAS=search,mlflow)

build: .venv/dev/installed ## build the wheel and the sdist into dist/
	$(<D)/bin/python -m hatchling build

release: .venv/release/installed ## make the files of a release in dist/release, then audit what is pinned (AUDIT=no: make them only)
	$(<D)/bin/python -m deploy.release
	$(if $(filter no,$(AUDIT)),@echo 'NOT AUDITED: AUDIT=no',$(audit))

audit: .venv/release/installed ## look for known vulnerabilities of what is pinned, which needs a network (AUDIT='options of pip-audit')
	$(audit)

audit = $(<D)/bin/python -m deploy.release.audit $(AUDIT)

docs: .venv/docs/installed ## build the documentation site into dist/docs, without a network
	$(<D)/bin/python -m sphinx --fail-on-warning --quiet --conf-dir docs/site . dist/docs

links: .venv/docs/installed ## check that links to other sites lead somewhere, which needs a network
	$(<D)/bin/python -m sphinx --builder linkcheck --quiet --conf-dir docs/site . dist/links

architecture: .venv/dev/installed ## draw docs/architecture.md from the code
	$(<D)/bin/python -m docs.architecture

reference: .venv/dev/installed ## write docs/endpoints.md, docs/manifest.md and the settings of the Helm chart from the code
	$(<D)/bin/python -m docs.reference

format: .venv/dev/installed ## rewrite the code in the project's style
	$(<D)/bin/ruff check --fix .
	$(<D)/bin/ruff format .

lock: .venv/lock/installed ## pin the newest packages that pyproject.toml admits
	$(call pin,service-cpu,pyproject.toml --extra cpu)
	$(call pin,service-gpu,pyproject.toml --extra gpu)
	$(call pin,service-openvino,pyproject.toml --extra openvino)
	$(call pin,training,pyproject.toml --extra cpu --extra train)
	$(call pin,bench,pyproject.toml --extra cpu --extra bench)
	$(call pin,docs,pyproject.toml --extra docs)
	$(call pin,dev,pyproject.toml --extra cpu --extra train --extra dev)
	$(call pin,extra-heic,pyproject.toml --extra heic $(as-tested))
	$(call pin,extra-jxl,pyproject.toml --extra jxl $(as-tested))
	$(call pin,extra-raw,pyproject.toml --extra raw $(as-tested))
	$(call pin,extra-redis,pyproject.toml --extra redis $(as-tested))
	$(call pin,extra-otel,pyproject.toml --extra otel $(as-tested))
	$(call pin,extra-stores,pyproject.toml --extra stores $(as-tested))
	$(call pin,extra-parquet,pyproject.toml --extra parquet $(as-tested))
	$(call pin,extra-ray,pyproject.toml --extra ray $(as-tested))
	$(call pin,ray,pyproject.toml --extra cpu --extra ray --extra redis --extra otel --extra stores --extra parquet --group ray-tests --group processes-tests $(as-tested))
	$(call pin,training-search,pyproject.toml --extra search $(as-tested))
	$(call pin,training-mlflow,pyproject.toml --extra mlflow $(as-tested))
	$(call pin,release,pyproject.toml --extra release $(as-tested))
	$(call pin,fuzz,--group fuzz $(as-tested))
	$(call pin,lock,--group lock)
	$(call pin,pip,--group pip)
	$(MAKE) wheels

wheels: .venv/lock/installed ## check that images for x86-64 and 64-bit Arm find wheels of what is pinned, which needs a network
	@for file in deploy/requirements/service-*.txt deploy/requirements/extra-*.txt deploy/requirements/training*.txt; do \
	  for machine in x86_64 aarch64; do \
	    echo "$$file $$machine"; \
	    .venv/lock/bin/uv pip install --dry-run --quiet --target .venv/wheels --no-deps --only-binary :all: \
	      --require-hashes --python .venv/lock/bin/python --python-version $(image-python) \
	      --python-platform $$machine-manylinux_2_40 -r $$file || exit 1; \
	  done; \
	done

# What the images have: Debian trixie's C library is 2.41.
image-python = $(shell sed -n 's/^FROM python:\([0-9.]*\)-.*/\1/p' Dockerfile)

clean: ## remove the virtual environments and every cache; runs/ and models/ stay
	rm -rf .venv .coverage .coverage.* .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	find service training benchmarks docs tests -type d -name __pycache__ -prune -exec rm -rf {} +

# .venv/NAME is a virtual environment of exactly the packages that deploy/requirements/NAME.txt pins.
# It is made again when that file changes.
.venv/%/installed: deploy/requirements/%.txt deploy/requirements/pip.txt
	$(make-venv)
	$(@D)/bin/python -m pip install $(pip-options) -r $<
	@touch $@

# What an extra adds to an environment that serves, in which it stays.
.venv/service-$(RUNTIME)/extra-%: deploy/requirements/extra-%.txt .venv/service-$(RUNTIME)/installed
	$(@D)/bin/python -m pip install $(pip-options) -r $<
	@touch $@

# The same of the environment that trains.
.venv/training/extra-%: deploy/requirements/training-%.txt .venv/training/installed
	$(@D)/bin/python -m pip install $(pip-options) -r $<
	@touch $@

# What fuzzing adds to the environment of developers, in which it stays.
.venv/dev/fuzz: deploy/requirements/fuzz.txt .venv/dev/installed
	$(@D)/bin/python -m pip install $(pip-options) -r $<
	@touch $@

# PyTorch for CPUs alone is on no package index: pip takes it where it is told to look for it, and
# the index's otherwise, which brings 2 GB of CUDA on Linux. So it is not among what is pinned with
# hashes.
.venv/ray/torch: .venv/ray/installed
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: torch==2.13.0
	@touch $@

# TensorFlow, which tests and training need, has wheels for no newer Python.
NEWEST := 99
.venv/dev/installed .venv/training/installed: NEWEST := 13

define make-venv
@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, $(NEWEST)) or sys.exit("expected Python 3.11 $(if $(filter 99,$(NEWEST)),or newer,to 3.$(NEWEST)), received %d.%d; name another: make PYTHON=python3.13 ..." % sys.version_info[:2])'
@echo 'Setting up $(@D): a few minutes the first time'
$(PYTHON) -m venv --clear $(@D)
$(@D)/bin/python -m pip install $(pip-options) -r deploy/requirements/pip.txt
endef
pip-options := --quiet --disable-pip-version-check --require-hashes --only-binary :all:

# An extra asks for no other version of a package than those that it is tested with.
as-tested := --constraint deploy/requirements/dev.txt

# $(call pin,NAME,WHAT): for every platform and every Python from 3.11, with hashes, without addresses.
# Extras stay (`coverage[toml]==...`): without them pip before 23.3 refuses the file as soon as a
# newer version of the package exists.
pin = UV_CUSTOM_COMPILE_COMMAND='make lock' .venv/lock/bin/uv pip compile --quiet --upgrade --universal \
	--python .venv/lock/bin/python --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-strip-extras --no-annotate --no-emit-index-url --no-emit-find-links $(2) \
	--output-file deploy/requirements/$(1).txt
