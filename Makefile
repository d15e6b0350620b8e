# Every target sets up what it needs; a second call finds it done.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Make reads quotes, # and $ otherwise than `dagster dev` does, so .env is not included, but read by
# the same library for each command. Only DAGSTER_HOME is needed here as well.
DOTENV_HOME := $(shell awk 'sub(/^(export +)?DAGSTER_HOME=/, "") \
	{sub(/[ \t]+\043.*/, ""); gsub(/["\047\r]/, ""); home = $$0} END {print home}' .env 2>/dev/null)
export DAGSTER_HOME ?= $(or $(DOTENV_HOME),$(CURDIR)/.dagster_home)
export DO_NOT_TRACK := 1

VENV := .venv
PYTHON := $(VENV)/bin/python
# what is exported comes before the file
WITH_DOTENV := $(if $(wildcard .env),$(VENV)/bin/dotenv --file .env run --no-override --)
COMMAND := $(WITH_DOTENV) $(PYTHON) -m
UV := $(shell command -v uv || echo .uv/bin/uv)
MEMBERS := shared_lib code_locations/simulation code_locations/gocardless code_locations/orchestration_platform
INSTALLED := $(VENV)/.installed
# of each location that has dbt models, below target/; this file says when
MANIFEST := dbt_project/target/.prepared
DBT_SOURCES := $(shell find dbt_project -type f \( -name '*.sql' -o -name '*.yml' -o -name '*.csv' \) \
	-not -path 'dbt_project/target/*' -not -path 'dbt_project/logs/*') \
	$(wildcard code_locations/*/*/orchestration.yaml)
INSTANCE := $(DAGSTER_HOME)/dagster.yaml

CENSUS ?=
SCENARIO ?= baseline
YEARS ?=
PORT ?= 3000
RUN ?=
CONTRACT ?=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.uv/bin/uv:
	@echo "setup: installing uv"
	@python3 -m venv .uv && .uv/bin/pip install --quiet uv

$(INSTALLED): uv.lock pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS)) | $(UV)
	@echo "setup: installing the locked environment into $(VENV)"
	@test -x $(PYTHON) || $(UV) venv --quiet --python '>=3.11,<3.14' $(VENV)
	@$(UV) export --quiet --frozen --all-packages --no-emit-workspace --output-file $(VENV)/requirements.txt
	@$(UV) pip sync --quiet --compile-bytecode --python $(PYTHON) --require-hashes $(VENV)/requirements.txt
	@$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --no-deps $(foreach member,$(MEMBERS),-e $(member))
	@touch $@

# dbt keeps one parsed project per set of flags and profile, so everything that runs dbt for a
# location goes through the same profile and target: DAGSTER_ENVIRONMENT's own.
$(MANIFEST): $(INSTALLED) $(DBT_SOURCES)
	@echo "setup: parsing the dbt project"
	@$(COMMAND) shared_lib.dbt prepare && touch $@

$(INSTANCE): dagster.yaml
	@mkdir -p $(DAGSTER_HOME)
	@cp dagster.yaml $@

.PHONY: setup manifest run test dev vault sandbox slack alerts alert-preview smoke check format docs bench lock
setup: $(MANIFEST) $(INSTANCE) ## create the environment, the dbt manifest and the Dagster home

manifest: $(INSTALLED) ## parse the dbt project ahead of any process that needs it
	@$(COMMAND) shared_lib.dbt prepare && touch $(MANIFEST)

run: setup ## simulate [CENSUS=path] [SCENARIO=name] [YEARS=2025-2029]
	@$(COMMAND) simulation.run --scenario '$(SCENARIO)' $(if $(CENSUS),--census '$(CENSUS)') $(if $(YEARS),--years '$(YEARS)')

# where links in alerts lead to, and what the sensor asks for owners
dev: export DAGSTER_WEBSERVER_URL ?= http://127.0.0.1:$(PORT)
dev: setup ## open dagster dev with the three locations [PORT=3000]
	@$(WITH_DOTENV) $(VENV)/bin/dagster dev --host 127.0.0.1 --port $(PORT)

vault: setup ## serve a local Vault with the locations' example secrets, until Ctrl-C
	@$(COMMAND) shared_lib.secrets.local_server

sandbox: setup ## serve a bank data API with three connected banks, until Ctrl-C [CONTRACT=file]
	@$(COMMAND) gocardless.sandbox $(if $(CONTRACT),--contract '$(CONTRACT)')

slack: setup ## serve a stand-in for Slack that prints what it is told, until Ctrl-C
	@$(COMMAND) tests.integration.orchestration_platform.alerts.slack_demonstration

alerts: setup ## list the alerts of the outbox: sent, waiting, suppressed, failed, and why
	@$(COMMAND) orchestration_platform.alerts list

alert-preview: setup ## show the alert of a failed run, sent nowhere RUN=id
	@$(COMMAND) orchestration_platform.alerts preview '$(RUN)'

smoke: setup ## load the definitions of every location, as CI does
	@$(COMMAND) shared_lib.definitions_check

test: setup ## pass every test
	@tests/install_packages.sh
	@$(PYTHON) -m pytest tests

check: setup ## ruff, pyright, import-linter, deptry, sqlfluff
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	@$(VENV)/bin/pyright
	@$(VENV)/bin/lint-imports
	@for member in $(MEMBERS); do (cd "$$member" && $(CURDIR)/$(VENV)/bin/deptry .); done
	@cd dbt_project && DBT_DUCKDB_PATH=:memory: ../$(VENV)/bin/sqlfluff lint --processes 2 models tests

format: setup ## let ruff and sqlfluff rewrite what they can
	@$(VENV)/bin/ruff check --fix . && $(VENV)/bin/ruff format .
	@cd dbt_project && DBT_DUCKDB_PATH=:memory: ../$(VENV)/bin/sqlfluff fix --processes 2 models tests

docs: setup ## write schemas/, docs/configuration.md and docs/orchestration.md from the models
	@$(PYTHON) -m shared_lib.discovery schema
	@$(PYTHON) -m shared_lib.discovery.reference
	@$(PYTHON) -m simulation.config.schema
	@$(PYTHON) -m simulation.config.reference
	@$(PYTHON) -m orchestration_platform.alerts schema --write

bench: setup ## measure; prints a table and writes bench/results.json
	@$(PYTHON) -m bench

lock: | $(UV) ## write uv.lock, naming no registry; UPGRADE=1 moves every version
	@$(UV) lock $(if $(UPGRADE),--upgrade)
	@sed -E -i 's#(https?)://[^/"]+/#https://index.invalid/#g' uv.lock
