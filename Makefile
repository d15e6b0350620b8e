# Every target sets up what it needs; a second call finds it done.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# A variable reaches its command through the environment, with the text that was typed: make would
# expand a $, and the shell would run what is pasted into a recipe.
VARIABLES := AGAINST CENSUS CONTRACT DAGSTER_HOME FAIL_FAST FRESH ONLY PORT RUN SCENARIO UPGRADE WORKERS YEARS
$(foreach name,$(VARIABLES),$(if $(value $(name)),$(eval override export $(name) := $$(value $(name)))))

# Make reads quotes, # and $ otherwise than `dagster dev` does, so .env is not included, but read by
# the same library for each command. Only DAGSTER_HOME is needed here as well.
DOTENV_HOME := $(shell awk 'sub(/^(export +)?DAGSTER_HOME=/, "") \
	{sub(/[ \t]+\043.*/, ""); gsub(/["\047\r]/, ""); home = $$0} END {print home}' .env 2>/dev/null)
ifeq ($(value DAGSTER_HOME),)
override export DAGSTER_HOME := $(or $(DOTENV_HOME),$(CURDIR)/.dagster_home)
endif
export DO_NOT_TRACK := 1

VENV := .venv
PYTHON := $(VENV)/bin/python
# what is exported comes before the file
WITH_DOTENV := $(if $(wildcard .env),$(VENV)/bin/dotenv --file .env run --no-override --)
COMMAND := $(WITH_DOTENV) $(PYTHON) -m
UV := $(shell command -v uv || echo .uv/bin/uv)
MEMBERS := shared_lib code_locations/simulation code_locations/gocardless code_locations/orchestration_platform sandboxes
INSTALLED := $(VENV)/.installed
# of each location that has dbt models, below target/; this file says when
MANIFEST := dbt_project/target/.prepared
DBT_SOURCES := $(shell find dbt_project -type f \( -name '*.sql' -o -name '*.yml' -o -name '*.csv' \) \
	-not -path 'dbt_project/target/*' -not -path 'dbt_project/logs/*') \
	$(wildcard code_locations/*/*/orchestration.yaml)

# `## ` says what a target does, `#: ` below it what a variable of it means, `##@ ` begins a group.
.PHONY: help
help: ## list the targets and their variables
	@awk '/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {name = $$1; sub(/:$$/, "", name); sub(/.*## /, ""); printf "  make %-17s %s\n", name, $$0} \
		/^#: / {name = $$2; sub(/^#: [^ ]+ +/, ""); printf "    %-20s %s\n", name, $$0}' Makefile

.uv/bin/uv:
	@echo "setup: installing uv"
	@python3 -m venv .uv && .uv/bin/pip install --quiet uv

$(INSTALLED): uv.lock pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS)) | $(UV)
	@echo "setup: installing the locked environment into $(VENV)"
	@test -x $(PYTHON) || $(UV) venv --quiet --python '>=3.11,<3.14' $(VENV)
	@$(UV) export --quiet --frozen --all-packages --no-emit-workspace --output-file $(VENV)/requirements.txt
	@$(UV) pip sync --quiet --compile-bytecode --python $(PYTHON) --require-hashes $(VENV)/requirements.txt
	@$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --no-deps $(foreach member,$(MEMBERS),-e $(member))
	@# where dg, which would look for an environment in each project, finds this one
	@for location in code_locations/*/; do \
		[[ -e $$location.env ]] || echo 'DG_PROJECT_PYTHON_EXECUTABLE=../../$(PYTHON)' > $$location.env; done
	@touch $@

# dbt keeps one parsed project per set of flags and profile, so everything that runs dbt for a
# location goes through the same profile and target: DAGSTER_ENVIRONMENT's own.
$(MANIFEST): $(INSTALLED) $(DBT_SOURCES)
	@echo "setup: parsing the dbt project"
	@$(COMMAND) shared_lib.discovery.dbt prepare && touch $@

.PHONY: setup manifest run test test-fast dev vault sandbox slack alerts alert-preview smoke check format docs bench lock

##@ Use the platform
run: setup ## simulate, show a table of the years and write a report
#: CENSUS=path     the employees, CSV or Parquet; default: a generated census of 10,000
#: SCENARIO=name   a scenario of simulation_config.yaml; default: baseline
#: YEARS=2025-2029 the years to simulate; default: those of the configuration
#: FRESH=1         start over instead of going on where an earlier run ended
	@$(COMMAND) simulation.run --scenario "$${SCENARIO:-baseline}" $${CENSUS:+--census "$$CENSUS"} \
		$${YEARS:+--years "$$YEARS"} $${FRESH:+--fresh}

# where links in alerts lead to, and what the sensor asks for owners
dev: export DAGSTER_WEBSERVER_URL ?= http://127.0.0.1:$(or $(PORT),3000)
dev: setup ## open Dagster's UI with the three locations, until Ctrl-C
#: PORT=3000       the port of the UI on 127.0.0.1
	@$(PYTHON) -m shared_lib.webserver_port "$${PORT:-3000}"
	@$(COMMAND) orchestration_platform.web dev --port "$${PORT:-3000}"

alerts: setup ## list the alerts of the outbox: sent, waiting, suppressed, failed, and why
	@$(COMMAND) orchestration_platform.alerts list

alert-preview: setup ## show the alert of a failed run without sending it
#: RUN=id          the run, by its id or the beginning of it
	@$(COMMAND) orchestration_platform.alerts preview "$${RUN:?give the run: make alert-preview RUN=id}"

##@ Servers that stand in for others, until Ctrl-C
vault: setup ## serve a local Vault with the locations' example secrets
	@$(COMMAND) sandboxes.vault

sandbox: setup ## serve a bank data API with three connected banks
#: CONTRACT=file   the vendor's OpenAPI description, to check every answer against
	@$(COMMAND) sandboxes.bank $${CONTRACT:+--contract "$$CONTRACT"}

slack: setup ## serve a stand-in for Slack that prints the messages it receives
	@$(COMMAND) sandboxes.slack

##@ Develop
setup: $(MANIFEST) ## create the environment, the dbt manifest and the Dagster home
	@mkdir -p "$$DAGSTER_HOME"
	@[[ ! dagster.local.yaml -nt "$$DAGSTER_HOME/dagster.yaml" ]] || cp dagster.local.yaml "$$DAGSTER_HOME/dagster.yaml"

manifest: $(INSTALLED) ## parse the dbt project ahead of any process that needs it
	@$(COMMAND) shared_lib.discovery.dbt prepare && touch $(MANIFEST)

smoke: setup ## load the definitions of every location, as CI does
	@$(COMMAND) shared_lib.definitions_check

# First what can share the machine, then what measures time; both, unless FAIL_FAST is set. More
# workers than cores, since half of a test is waiting for servers.
test: setup ## pass every test
#: WORKERS=4       tests that run side by side
#: FAIL_FAST=1     end after the first phase where a test fails in it
	@tests/install_packages.sh
	@status=0; \
	$(PYTHON) -m pytest tests -m 'not serial' -n "$${WORKERS:-4}" --dist loadgroup || status=$$?; \
	if [[ $$status -eq 0 || -z "$${FAIL_FAST:-}" ]]; then \
		$(PYTHON) -m pytest tests -m serial || status=$$?; \
	fi; \
	exit $$status

test-fast: setup ## pass the tests that start no server: unit, property, smoke
	@$(PYTHON) -m pytest tests/unit tests/property tests/smoke -n logical --dist loadgroup

check: setup ## ruff, pyright, import-linter, deptry, sqlfluff
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	@$(VENV)/bin/pyright
	@$(VENV)/bin/lint-imports
	@for member in $(MEMBERS); do (cd "$$member" && "$$OLDPWD/$(VENV)/bin/deptry" .); done
	@cd dbt_project && DBT_DUCKDB_PATH=:memory: ../$(VENV)/bin/sqlfluff lint --processes 2 models tests

format: setup ## let ruff and sqlfluff rewrite what they can
	@$(VENV)/bin/ruff check --fix . && $(VENV)/bin/ruff format .
	@cd dbt_project && DBT_DUCKDB_PATH=:memory: ../$(VENV)/bin/sqlfluff fix --processes 2 models tests

docs: setup ## write schemas/, docs/configuration.md and docs/orchestration.md from the models
	@$(PYTHON) -m shared_lib.discovery documents
	@$(PYTHON) -m simulation.config.documents
	@$(PYTHON) -m orchestration_platform.alerts schema --write

bench: setup ## measure, print tables and write bench/results.json
#: ONLY=part,part  measure these parts only
#: AGAINST=file    fail where CPU or memory grew by a fifth since the results in this file
	@$(PYTHON) -m bench

lock: | $(UV) ## write uv.lock for the declared dependencies, naming no registry
#: UPGRADE=1       move every package to its newest allowed version
	@$(UV) lock $${UPGRADE:+--upgrade}
	@sed -E -i 's#(https?)://[^/"]+/#https://index.invalid/#g' uv.lock

##@ Every target
#: DAGSTER_HOME=path         runs and events; default: that of .env, else .dagster_home
