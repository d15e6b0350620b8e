# Every target sets up what it needs; a second call finds it done.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# A variable reaches its command through the environment, exactly as typed: make would expand a $,
# and the shell would execute a value pasted into a recipe.
VARIABLES := AGAINST AS_OF BASE BREAKING CENSUS CONTRACT DAGSTER_HOME DBT DELETE EXAMPLES FAIL_FAST FIX FRESH GROWTH HISTORY LEVER MAPPING NAME ONLY OWNER PEOPLE PLACE PORT REMOVE REPLACE RUN SAMPLES SBOM SCENARIO SCENARIOS SEEDS START_YEAR TARGET UPGRADE WORKERS YEARS YEAR_END
$(foreach name,$(VARIABLES),$(if $(value $(name)),$(eval override export $(name) := $$(value $(name)))))

# Make reads quotes, # and $ differently from `dagster dev`, so it does not include .env; each command
# reads it with the same library as Dagster. Only DAGSTER_HOME is needed here as well.
DOTENV_HOME := $(shell awk 'sub(/^(export +)?DAGSTER_HOME=/, "") \
	{sub(/[ \t]+\043.*/, ""); gsub(/["\047\r]/, ""); home = $$0} END {print home}' .env 2>/dev/null)
ifeq ($(value DAGSTER_HOME),)
override export DAGSTER_HOME := $(or $(DOTENV_HOME),$(CURDIR)/.dagster_home)
endif
export DO_NOT_TRACK := 1
# Where it is set, as it often is in containers, each process compiles all that is not installed.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PYTHON := $(VENV)/bin/python
# exported variables take precedence over the file
WITH_DOTENV := $(if $(wildcard .env),$(VENV)/bin/dotenv --file .env run --no-override --)
COMMAND := $(WITH_DOTENV) $(PYTHON) -m
UV := $(shell command -v uv || echo .uv/bin/uv)
MEMBERS := shared_lib $(patsubst %/pyproject.toml,%,$(wildcard code_locations/*/pyproject.toml)) sandboxes
INSTALLED := $(VENV)/.installed
# of each location with dbt models, below target/; the time stamp of this file is that of the parsing
MANIFEST := dbt_project/target/.prepared
DBT_SOURCES := $(shell find dbt_project -type f \( -name '*.sql' -o -name '*.yml' -o -name '*.csv' \) \
	-not -path 'dbt_project/target/*' -not -path 'dbt_project/logs/*') \
	$(wildcard code_locations/*/*/orchestration.yaml)

# `## ` describes a target, `#: ` below it one of its variables, `##@ ` begins a group.
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
	@# dg would look for an environment in each project; this leads it to ours
	@for location in code_locations/*/; do \
		[[ -e $$location.env ]] || echo 'DG_PROJECT_PYTHON_EXECUTABLE=../../$(PYTHON)' > $$location.env; done
	@touch $@

# dbt keeps one parsed project per set of flags and profile, so everything that runs dbt for a
# location goes through the same profile and target: DAGSTER_ENVIRONMENT's own.
$(MANIFEST): $(INSTALLED) $(DBT_SOURCES)
	@echo "setup: parsing the dbt project"
	@$(COMMAND) shared_lib.discovery.dbt prepare && touch $@

.PHONY: setup manifest run fit backtest compare workbook cost seek plan ranges test test-fast dev vault sandbox slack alerts alerts-listen alert-preview retention maintain backup restore doctor smoke canary check contracts preview location format docs site pictures bench lock sbom audit

##@ Use the platform
run: setup ## simulate, show a table of the years and write a report
#: CENSUS=path     the employees, CSV, Parquet or .xlsx; default: a generated census of 10,000
#: MAPPING=path    how to read them, as `simulation.census inspect --write` writes it; default: found
#: SCENARIO=name   a scenario of simulation_config.yaml; default: baseline
#: YEARS=2025-2029 the years to simulate; default: those of the configuration
#: START_YEAR=2027 start from a census of the day before this year, not from a stored year
#: REPLACE=1       remove stored years of another configuration, census or set of rules
#: FRESH=1         start over instead of continuing an earlier run; a damaged warehouse is set aside
	@$(COMMAND) simulation.run --scenario "$${SCENARIO:-baseline}" $${CENSUS:+--census "$$CENSUS"} \
		$${MAPPING:+--mapping "$$MAPPING"} $${YEARS:+--years "$$YEARS"} \
		$${START_YEAR:+--start-year "$$START_YEAR"} $${REPLACE:+--replace} $${FRESH:+--fresh}

compare: setup ## show what makes the difference of two stored scenarios, as page and workbook
#: SCENARIOS=names two, the first is the base: SCENARIOS="baseline hiring_freeze"
	@$(COMMAND) simulation.compare "$${SCENARIOS:?name two scenarios: make compare SCENARIOS=\"baseline hiring_freeze\"}"

workbook: setup ## write a stored scenario as an Excel workbook
#: SCENARIO=name   a stored scenario; default: baseline
#: AGAINST=name    another one, to compare it with in further sheets
#: YEARS=2025-2029 the years to write; default: all that are stored
#: PEOPLE=1        list every employee of every year
#: AS_OF=run       id of a run, or its beginning: what that run left; needs the lake
	@$(COMMAND) simulation.workbook --scenario "$${SCENARIO:-baseline}" $${AGAINST:+--against "$$AGAINST"} \
		$${YEARS:+--years "$$YEARS"} $${PEOPLE:+--people} $${AS_OF:+--as-of "$$AS_OF"}

cost: setup ## compute total cost of a stored scenario by other rates, without a run
#: SCENARIO=name   a stored scenario; default: baseline
	@$(COMMAND) simulation.cost --scenario "$${SCENARIO:-baseline}"

# a shell splits the names of the files, and expands patterns in them
fit: setup ## write a scenario whose rates are those of two or more yearly censuses
#: HISTORY=files   a census a year, the year in its name: "fy2012.csv fy2013.csv"
#: SCENARIO=name   name of the scenario; default: fitted
#: YEAR_END=06-30  day of the censuses; default: 12-31, or the month of the newest hires
	@$(COMMAND) simulation.planning fit $${HISTORY:?name the censuses: make fit HISTORY=\"fy2012.csv fy2013.csv\"} \
		--scenario "$${SCENARIO:-fitted}" $${YEAR_END:+--year-end "$$YEAR_END"}

seek: setup ## solve for a setting that meets a target, by runs in scratch warehouses
#: TARGET=bound    what is sought: TARGET="payroll 2027 <= 1.2e9"
#: LEVER=setting   what is moved, and in which bounds: LEVER="merit_budget=0.01..0.06 cola_rate"
#: SCENARIO=name   the stored scenario to start from; default: baseline
	@$(COMMAND) simulation.seek --scenario "$${SCENARIO:-baseline}" \
		"$${TARGET:?state what is sought: make seek TARGET=\"payroll 2027 <= 1.2e9\" LEVER=merit_budget}" \
		"$${LEVER:?name a setting to move: make seek TARGET=\"payroll 2027 <= 1.2e9\" LEVER=merit_budget}"

ranges: setup ## show P10, P50 and P90 of scenarios over many seeds, as table and page
#: SCENARIO=names  a stored scenario, and others on its workforce; default: baseline
#: SEEDS=100       runs of each scenario
#: GROWTH=outcome  growth follows from planned hires and drawn leaving; default: target
	@$(COMMAND) simulation.ranges "$${SCENARIO:-baseline}" $${SEEDS:+--seeds "$$SEEDS"} $${GROWTH:+--growth "$$GROWTH"}

plan: setup ## open a page to change assumptions of a stored scenario, until Ctrl-C
#: SCENARIO=name   the stored scenario to start from; default: baseline
#: PORT=3100       the port of the page on 127.0.0.1
	@$(COMMAND) simulation.plan --scenario "$${SCENARIO:-baseline}" $${PORT:+--port "$$PORT"}

backtest: setup ## simulate the last of several years, fitted to the others, and compare
#: HISTORY=files   three or more yearly censuses, as for fit
#: YEAR_END=06-30  day of the censuses; default: 12-31, or the month of the newest hires
	@$(COMMAND) simulation.backtest $${HISTORY:?name the censuses: make backtest HISTORY=\"fy2012.csv fy2013.csv fy2014.csv\"} \
		$${YEAR_END:+--year-end "$$YEAR_END"}

# links in alerts lead here, and the sensor queries it for owners
dev: export DAGSTER_WEBSERVER_URL ?= http://127.0.0.1:$(or $(PORT),3000)
dev: setup ## open Dagster's UI with the three locations, until Ctrl-C
#: PORT=3000       the port of the UI on 127.0.0.1
#: EXAMPLES=1      also the location of examples
	@$(PYTHON) -m shared_lib.webserver_port "$${PORT:-3000}"
	@trap 'rm -f "$$DAGSTER_HOME/webserver_port"' EXIT; \
		umask 077; mkdir -p "$$DAGSTER_HOME"; \
		echo "$${PORT:-3000}" >"$$DAGSTER_HOME/webserver_port"; \
		$(COMMAND) orchestration_platform.web dev --port "$${PORT:-3000}" \
		$(if $(value EXAMPLES),--also examples/workspace.yaml)

alerts: setup ## list the alerts of the outbox: sent, waiting, suppressed, failed, and why
	@$(COMMAND) orchestration_platform.alerts list

alerts-listen: setup ## receive what people press below alerts in Slack, until Ctrl-C
	@$(COMMAND) orchestration_platform.alerts listen

alert-preview: setup ## show the alert of a failed run without sending it
#: RUN=id          the id of the run, or its beginning
#: PORT=3000       the port of the UI that its links lead to; default: that of the running `make dev`
	@port="$${PORT:-$$(cat "$$DAGSTER_HOME/webserver_port" 2>/dev/null || true)}"; \
		[[ -z $$port ]] || export DAGSTER_WEBSERVER_URL="$${DAGSTER_WEBSERVER_URL:-http://127.0.0.1:$$port}"; \
		$(COMMAND) orchestration_platform.alerts preview "$${RUN:?name the run: make alert-preview RUN=id}"

retention: setup ## show which old runs, ticks, rows and reports would be deleted, and why others stay
#: DELETE=1        delete them
	@$(COMMAND) orchestration_platform.housekeeping retention $(if $(value DELETE),,--dry-run)
	@$(COMMAND) simulation.housekeeping $(if $(value DELETE),,--dry-run)

maintain: setup ## show which files and snapshots of the lake would be merged or deleted
#: DELETE=1        merge and delete them
	@$(COMMAND) simulation.warehouse maintain $(if $(value DELETE),,--dry-run)

backup: setup ## copy Dagster's storage, alerts, warehouses and reports, while runs wait
#: PLACE=url       a directory or bucket; default: backup.place of platform.yaml
	@$(COMMAND) orchestration_platform.backup create $${PLACE:+--place "$$PLACE"}

restore: setup ## put the newest backup into an empty DAGSTER_HOME and data directory
#: PLACE=url       where backups are; default: backup.place of platform.yaml
	@$(COMMAND) orchestration_platform.backup restore $${PLACE:+--place "$$PLACE"}

doctor: setup ## look for damaged files, dead leases, runs that never started; say how to go on
#: FIX=1           put right what can be; stop the platform before
	@$(COMMAND) orchestration_platform.doctor $(if $(value FIX),--fix)

##@ Local stand-ins for servers, until Ctrl-C
vault: setup ## serve a local Vault with the locations' example secrets
	@$(COMMAND) sandboxes.vault

sandbox: setup ## serve a bank data API with three connected banks
#: CONTRACT=file   the vendor's OpenAPI description; check every answer against it
	@$(COMMAND) sandboxes.bank $${CONTRACT:+--contract "$$CONTRACT"}

slack: setup ## serve a stand-in for Slack that prints the messages it receives
	@$(COMMAND) sandboxes.slack

##@ Develop
setup: $(MANIFEST) ## create the environment, the dbt manifest and the Dagster home
	@umask 077; mkdir -p "$$DAGSTER_HOME"
	@[[ ! dagster.local.yaml -nt "$$DAGSTER_HOME/dagster.yaml" ]] || cp dagster.local.yaml "$$DAGSTER_HOME/dagster.yaml"

manifest: $(INSTALLED) ## parse the dbt project
	@$(COMMAND) shared_lib.discovery.dbt prepare && touch $(MANIFEST)

smoke: setup ## load the definitions of every location, as CI does
	@$(COMMAND) shared_lib.definitions_check

# First the tests that can share the machine, then those that measure time; both, unless FAIL_FAST
# is set. There are more workers than cores, because tests spend half of their time waiting. No test
# cuts the power, so none has to wait for the disk: eatmydata leaves out what syncs it.
test: setup ## run every test
#: WORKERS=4       number of tests that run side by side
#: FAIL_FAST=1     stop after the first phase if a test fails in it
	@tests/install_packages.sh
	@status=0; unsynced=$$(command -v eatmydata || true); \
	$$unsynced $(PYTHON) -m pytest tests -m 'not serial' -n "$${WORKERS:-4}" --dist loadgroup || status=$$?; \
	if [[ $$status -eq 0 || -z "$${FAIL_FAST:-}" ]]; then \
		$$unsynced $(PYTHON) -m pytest $$(grep -rl --include='*.py' 'pytest\.mark\.serial' tests) || status=$$?; \
	fi; \
	exit $$status

test-fast: setup ## run the tests that start no server: unit, property, smoke
	@$(PYTHON) -m pytest tests/unit tests/property tests/smoke -n logical --dist loadgroup

# Part of `make test`, and so of CI; alone, for a change in what is written.
canary: setup ## plant secrets, run every location, and fail if anything written has one
	@tests/install_packages.sh
	@$(PYTHON) -m pytest tests/integration/secrets/test_canary.py tests/integration/secrets/test_running_platform.py

check: setup ## run ruff, pyright, import-linter, deptry and sqlfluff, check contracts, build the site
#: BASE=origin/main a commit whose data contracts are to be kept as well
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	@$(VENV)/bin/pyright
	@$(VENV)/bin/lint-imports
	@for member in $(MEMBERS); do (cd "$$member" && "$$OLDPWD/$(VENV)/bin/deptry" .); done
	@cd dbt_project && DBT_DUCKDB_PATH=:memory: ../$(VENV)/bin/sqlfluff lint --processes 2 models tests
	@$(PYTHON) -m orchestration_platform.metadata.contracts check $${BASE:+--base="$$BASE"}
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --strict

contracts: setup ## write the data contracts of published models into contracts/
#: BREAKING=1      write also what breaks a promise, as the next major version
	@$(COMMAND) orchestration_platform.metadata.contracts write $(if $(value BREAKING),--breaking)

# It parses the models of both trees itself, and so needs no manifest.
preview: $(INSTALLED) ## show what a change does: definitions, and rows of the dbt models it affects
#: BASE=main       a branch, tag or commit to compare the working tree with
#: SAMPLES=1       show rows of every model on the page, also of people
	@$(COMMAND) preview $${BASE:+--base="$$BASE"} $(if $(value SAMPLES),--samples)

location: $(INSTALLED) ## add a code location everywhere it has to be named, and load it
#: NAME=marketing  the name of its package
#: DBT=1           with dbt models of its own
#: OWNER=team:name the owner of its assets, or an e-mail address
#: REMOVE=1        remove it instead; its warehouse stays
	@$(PYTHON) -m new_location $${OWNER:+--owner "$$OWNER"} $(if $(value DBT),--dbt) $(if $(value REMOVE),--remove) \
		--lock "$(MAKE) lock" -- "$${NAME:?name it: make location NAME=marketing}"
	@$(MAKE) smoke

format: setup ## format the code with ruff and sqlfluff
	@$(VENV)/bin/ruff check --fix . && $(VENV)/bin/ruff format .
	@cd dbt_project && DBT_DUCKDB_PATH=:memory: ../$(VENV)/bin/sqlfluff fix --processes 2 models tests

docs: setup ## regenerate schemas/ and the tables of the reference in docs/
	@$(PYTHON) -m shared_lib.discovery documents
	@$(PYTHON) -m simulation.config.documents
	@$(PYTHON) -m orchestration_platform.alerts schema --write
	@$(PYTHON) -m orchestration_platform.housekeeping schema --write
	@$(PYTHON) -m orchestration_platform.board.metrics.documents

site: setup ## serve the documentation as a site, until Ctrl-C
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs serve --dev-addr 127.0.0.1:8000

pictures: setup ## make README's pictures, and its table of years, from a fresh run
	@tests/install_packages.sh
	@$(PYTHON) -m tests.end_to_end.pictures

bench: setup ## measure, print tables and write bench/results.json
#: ONLY=part,part  measure these parts only
#: AGAINST=file    fail if CPU or memory exceeds the results in this file by a fifth
	@$(PYTHON) -m bench

lock: | $(UV) ## write uv.lock for the declared dependencies, without the name of a registry
#: UPGRADE=1       move every package to its newest allowed version
	@$(UV) lock $${UPGRADE:+--upgrade}
	@sed -E -i 's#(https?)://[^/"]+/#https://index.invalid/#g' uv.lock

# uv names the index in each package's address, and the lock has none.
sbom: setup ## list what the image has, as CycloneDX
#: SBOM=file       default: sbom.cdx.json
	@$(UV) export --quiet --frozen --format cyclonedx1.5 --no-emit-workspace --no-dev --group deploy \
		--output-file "$${SBOM:-sbom.cdx.json}"
	@sed -i 's#?repository_url=https://index.invalid/simple##' "$${SBOM:-sbom.cdx.json}"

audit: setup ## compare uv.lock with known vulnerabilities; needs a network
	@$(UV) audit --frozen || { status=$$?; [[ $$status -ne 2 ]] || echo \
		"audit: not done: it needs a network, to ask the vulnerability service" >&2; exit $$status; }

##@ Every target
#: DAGSTER_HOME=path         runs and events; default: that of .env, else .dagster_home
