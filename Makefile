# Wirerace: `make race` compares the transports, `make test` tests everything that needs Python only.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXPERIMENT ?= experiments/first-look.toml
ARGS ?=
INPUTS ?= 42000
LOCK := requirements/run.lock
DEV_LOCK := requirements/dev.lock
WITH_PROCESSES := race stack browser frames kubernetes
MUTMUT := 3.8.1
COMPILE := uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header
EXTRAS := --extra services --extra nats --extra load --extra cli --extra watch
# Tests start some hundred processes, and each of them would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help

help: ## Show this help
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-15s %s\n", $$1, $$2}'

race: $(VENV)/.run ## Race the transports: answer, report.html and result.json in a minute and a half; ARGS="..." goes to wirerace run
	$(BIN)/wirerace run $(EXPERIMENT) --allow-invalid $(ARGS)

locust: $(VENV)/.run ## Start the producer, the servers and Locust's page; Ctrl-C ends all of them
	$(BIN)/wirerace locust $(EXPERIMENT) $(ARGS)

watch: $(VENV)/.run ## Start the producer, the servers and a page that receives from all of them; Ctrl-C ends all of them
	$(BIN)/wirerace watch $(EXPERIMENT) $(ARGS)

test: $(VENV)/.ready ## Run the tests that need Python only, without those of make test-faults
	$(BIN)/python -m pytest $(ARGS)

test-faults: $(VENV)/.ready ## Break runs on purpose: signals, kills, cuts, full disks, no descriptors, busy processes; needs Python only
	$(BIN)/python -m pytest -n 4 -m "faults and not stack" tests/race $(ARGS)

quick: $(VENV)/.ready ## Run the tests that start no process and take less than a twentieth of a second each
	$(BIN)/python -m pytest -n 4 -m "not processes and not long and not twice" $(addprefix --ignore=tests/,$(WITH_PROCESSES)) $(ARGS)

fuzz: $(VENV)/.ready ## Feed INPUTS damaged inputs to every reader; without INPUTS a million in all
	WIRERACE_FUZZ_INPUTS=$(INPUTS) $(BIN)/python -m pytest --dist load tests/fuzz tests/loadtests/test_page.py $(ARGS)

test-stack: $(VENV)/.kubernetes ## Test the stack and runs on Kubernetes in real containers (needs Docker with Compose v2, and kubectl)
	$(BIN)/python -m pytest -n 2 -m stack tests/stack $(ARGS)

test-browser: $(VENV)/.browser ## Drive Locust's page, the live page, the report and tabs as clients in a real browser (needs Chromium)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m browser tests/browser $(ARGS)

test-frames: $(VENV)/.frames ## Read what wirerace show writes with pandas, DuckDB and pyarrow, as the documents do
	$(BIN)/python -m pytest -n 0 -m frames tests/frames $(ARGS)

test-kubernetes: $(VENV)/.kubernetes ## Check the Helm chart: its parts beside the stack's, the schemas of Kubernetes, network policies
	$(BIN)/python -m pytest -n 0 -m kubernetes tests/kubernetes $(ARGS)

check-grafana: $(VENV)/.ready ## Ask the pinned Grafana for every panel (needs its image)
	$(BIN)/python -m pytest -n 0 -m grafana tests/stack $(ARGS)

up: ## Start the stack: docker compose up --wait
	docker compose up --wait

docs: $(VENV)/.ready ## Write docs/experiments.md from the model of experiment files
	$(BIN)/python -c "from wirerace.experiment.reference import markdown; print(markdown(), end='')" > docs/experiments.md

dashboards: $(VENV)/.ready ## Write Grafana's dashboards from their code
	$(BIN)/python -m grafana.build

lint: $(VENV)/.ready ## Check style and types, Dockerfiles and YAML
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/hadolint services/Dockerfile loadtests/Dockerfile wirerace/watch/Dockerfile wirerace/runner/network/Dockerfile
	$(BIN)/yamllint --strict docker-compose.yml prometheus grafana/provisioning kubernetes/wirerace/Chart.yaml kubernetes/wirerace/values.yaml

format: $(VENV)/.ready ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.ready ## Measure Wirerace's own cost side by side with references
	$(BIN)/python -m benchmarks $(ARGS)

answers: $(VENV)/.run ## Measure the shipped questions in three quarters of an hour and write docs/answers/; ARGS="first-look payload" or ARGS=--pages
	$(BIN)/python -m benchmarks.answers $(ARGS)

calibrate: $(VENV)/.ready ## Compare each transport with itself many times, in half an hour: how often is a difference found?
	$(BIN)/python -m benchmarks.calibrate $(ARGS)

mutants: $(VENV)/.ready ## Change the code that measures and judges at 2400 places, and count what the tests notice; 20 minutes
	$(BIN)/python -m venv .mutmut
	.mutmut/bin/python -m pip install --quiet --disable-pip-version-check mutmut==$(MUTMUT)
	PYTHONPATH=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
	  .mutmut/bin/python -m mutmut run $(ARGS)

lock: ## Pin all dependencies again (needs uv)
	$(COMPILE) --extra services --extra nats pyproject.toml -o requirements/services.lock
	$(COMPILE) --extra load pyproject.toml -o requirements/load.lock
	$(COMPILE) $(EXTRAS) --group dev pyproject.toml -o $(DEV_LOCK)
	$(COMPILE) --extra watch --constraints $(DEV_LOCK) pyproject.toml -o requirements/watch.lock
	$(COMPILE) --extra path --constraints $(DEV_LOCK) pyproject.toml -o requirements/path.lock
	$(COMPILE) $(EXTRAS) --group build pyproject.toml --constraints $(DEV_LOCK) -o $(LOCK)
	$(COMPILE) --group browser --constraints $(DEV_LOCK) -o requirements/browser.lock
	$(COMPILE) --extra parquet --group frames pyproject.toml --constraints $(DEV_LOCK) -o requirements/frames.lock
	$(COMPILE) --group kubernetes --constraints $(DEV_LOCK) -o requirements/kubernetes.lock

clean: ## Remove the environment and caches; results stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .mutmut mutants

# Running needs fewer packages than testing, so `make race` is ready sooner.
$(VENV)/.run: $(LOCK)
ifeq ($(UV),)
	@echo "Making $(VENV) with pip; this takes a minute or two the first time"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
else
	uv venv --quiet --clear --python $(PYTHON) $(VENV)
	uv pip install --quiet --python $(BIN)/python --require-hashes -r $(LOCK)
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
endif
	@touch $@

$(VENV)/.ready: $(VENV)/.run $(DEV_LOCK)
ifeq ($(UV),)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(DEV_LOCK)
else
	uv pip install --quiet --python $(BIN)/python --require-hashes -r $(DEV_LOCK)
endif
	@touch $@

$(VENV)/.browser: $(VENV)/.ready requirements/browser.lock
ifeq ($(UV),)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/browser.lock
else
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/browser.lock
endif
	@touch $@

$(VENV)/.frames: $(VENV)/.ready requirements/frames.lock
ifeq ($(UV),)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/frames.lock
else
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/frames.lock
endif
	@touch $@

$(VENV)/.kubernetes: $(VENV)/.ready requirements/kubernetes.lock
ifeq ($(UV),)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/kubernetes.lock
else
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/kubernetes.lock
endif
	@touch $@

.PHONY: help race locust watch test test-faults quick fuzz test-stack test-browser test-frames test-kubernetes check-grafana up docs dashboards lint format bench answers calibrate mutants lock clean
