# Contender, in short: `make demo`. Everything here also works by hand; see README.md.
.DEFAULT_GOAL := help
.PHONY: help setup demo up image sam-local down status test check deploy bench-drift bench-router bench-analysis bench-training simulate-drift simulate-experiment clean

PYTHON ?= python3.11
STAGE ?= prod
ROUNDS ?=
DATA ?=
ENGINE ?= process
TASK ?= classification
EMULATOR ?= ministack
PARAMS ?=
ENVIRONMENTS := .venv/.ready .venv-emulator/.ready .venv-sam/.ready
SAM := .venv-sam/bin/sam
TEMPLATES := template.yaml infra/network.yaml infra/mlflow.yaml infra/profile-map.yaml
export SAM_CLI_TELEMETRY := 0

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## create the three Python environments (once, 2 to 4 minutes)
	@$(MAKE) --silent --no-print-directory -j3 $(ENVIRONMENTS)

demo: setup ## run the whole loop on real flights (TASK=regression; ENGINE=docker: train in a container, after `make image`)
	@.venv/bin/python -m scripts.demo --task $(TASK) --engine $(ENGINE)

up: setup ## start the local stack with a first model, and leave it running (DATA=folder for your own data)
	@.venv/bin/python -m scripts.up --engine $(ENGINE) --emulator $(EMULATOR) $(if $(DATA),--data "$(DATA)")

image: setup ## build the training container's image and say how large it is
	@.venv/bin/python -m scripts.training_image

sam-local: setup ## serve the router in a real Lambda container, against the stack that `make up` started
	@.venv/bin/python -m scripts.sam_local

down: ## stop what `make up` started
	@[ ! -d .contender ] || .venv/bin/python -m infra.local down

status: ## say whether the local stack runs, and where
	@.venv/bin/python -m infra.local status

test: setup ## run all tests
	@.venv/bin/python -m pytest

check: setup .venv-checkov/.ready ## lint, types, import contracts, template
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy layers/core/contender
	PYTHONPATH=router:training .venv/bin/lint-imports
	.venv-sam/bin/cfn-lint $(TEMPLATES)
	AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint
	.venv-checkov/bin/checkov --framework cloudformation --skip-download --compact --quiet --file $(TEMPLATES)

deploy: setup ## deploy a stage of samconfig.toml: STAGE=prod PARAMS="TrainingImage=<uri> …"; asks for what is missing
	@.venv/bin/python -m scripts.deploy --stage "$(STAGE)" $(PARAMS)

simulate-drift: .venv/.ready .venv-bench/.ready ## how often the drift check is wrong, on real data, beside its peers (under 10 minutes)
	@.venv/bin/python -m simulations.drift

bench-drift: .venv/.ready .venv-emulator/.ready .venv-sam/.ready .venv-bench/.ready ## the drift check beside Evidently and SciPy, up to 10 million rows (10 minutes)
	@.venv/bin/python -m bench.drift $(if $(ROUNDS),--rounds $(ROUNDS))

bench-router: .venv/.ready .venv-emulator/.ready .venv-sam/.ready .venv-bench-models/.ready ## the router beside MLflow's server, scikit-learn and PyCaret (5 minutes)
	@.venv/bin/python -m bench.router $(if $(ROUNDS),--rounds $(ROUNDS))

bench-analysis: .venv/.ready .venv-bench-models/.ready ## the analysis of an export beside boto3 and pandas, up to 3 million records (7 minutes)
	@.venv/bin/python -m bench.analysis $(if $(ROUNDS),--rounds $(ROUNDS))

bench-training: setup .venv-bench-models/.ready ## the training task beside PyCaret's compare_models() with its defaults (17 minutes)
	@.venv/bin/python -m bench.training $(if $(ROUNDS),--rounds $(ROUNDS))

simulate-experiment: .venv/.ready ## how often an experiment's verdict is wrong, and how soon it comes (under 10 minutes)
	@.venv/bin/python -m simulations.experiment

clean: down ## stop the stack and delete everything that was built or produced, but not the environments
	rm -rf .aws-sam .contender out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/.ready: requirements.txt
.venv-emulator/.ready: infra/local/requirements-emulator.txt
.venv-sam/.ready: infra/local/requirements-sam.txt
.venv-bench/.ready: bench/requirements.txt
.venv-bench-models/.ready: bench/requirements-models.txt
.venv-checkov/.ready: infra/local/requirements-checkov.txt
$(ENVIRONMENTS) .venv-bench/.ready .venv-bench-models/.ready .venv-checkov/.ready: %/.ready:
	@PYTHON="$(PYTHON)" infra/local/make-venv.sh $* $<
