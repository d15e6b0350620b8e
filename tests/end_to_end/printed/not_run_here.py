"""What is not run here of the commands that README and docs print: who runs it, or why nobody."""

from collections.abc import Mapping

from tests.end_to_end.printed.script import PYTHON

_CONTROL = "tests/integration/orchestration_platform/alerts/control"
_INCIDENTS = f"{_CONTROL}/test_control_of_incidents.py"
_DESTINATIONS = f"{_CONTROL}/test_control_of_destinations.py"
_PLANNING = "tests/integration/simulation/test_planning.py"
_MIGRATION = "tests/integration/simulation/test_lake_migration.py"
_MAINTENANCE = "tests/integration/simulation/test_lake_maintenance.py"
_BANK_IN_LAKE = "tests/integration/gocardless/test_marts_in_lake.py"
_LEDGER = "tests/unit/gocardless/test_ledger_decisions.py"
_CONNECTIONS = "tests/integration/gocardless/test_connection_job.py"
_CLIENT = "tests/integration/dagster_client/test_command_line.py"
_DG = "tests/integration/discovery/test_commands.py"
_COMPONENTS = "tests/integration/components/test_dg.py"
_PREVIEW = "tests/integration/preview/test_command_line.py"
_IMAGE = "tests/integration/deploy/test_image.py"
_ALERTS = f"{PYTHON}orchestration_platform.alerts "
_TRIGGER = f"{PYTHON}shared_lib.dagster_client "

# the test that runs each with what it needs: trials, a webserver, incidents, a bank, a lake
ELSEWHERE: Mapping[str, str] = {
    'make seek TARGET="payroll 2027 <= 1.2e9" LEVER=merit_budget': _PLANNING,
    "make ranges SCENARIO=baseline SEEDS=100": _PLANNING,
    "make plan SCENARIO=baseline": "tests/integration/simulation/test_plan.py",
    'make backtest HISTORY="fy2012.csv fy2013.csv fy2014.csv"': "tests/property/test_backtest.py",
    "make workbook SCENARIO=baseline AS_OF=4af6c595": _MIGRATION,
    f"{PYTHON}simulation.warehouse migrate --to lake": _MIGRATION,
    f"{PYTHON}gocardless.warehouse migrate --to lake": _BANK_IN_LAKE,
    f"{PYTHON}gocardless.warehouse maintain --dry-run": _BANK_IN_LAKE,
    "make maintain": _MAINTENANCE,
    "make maintain DELETE=1": _MAINTENANCE,
    ".venv/bin/dg check defs": _DG,
    ".venv/bin/dg list defs --target-path code_locations/simulation": _DG,
    ".venv/bin/dg list components": _COMPONENTS,
    ".venv/bin/dg check yaml": _COMPONENTS,
    "make dev": "tests/end_to_end/webserver.py",
    "make dev EXAMPLES=1": "tests/integration/secrets/test_running_platform.py",
    "make smoke": "tests/smoke/test_definitions.py",
    "make vault": "tests/integration/secrets/test_local_server.py",
    f"{PYTHON}shared_lib.secrets.provisioning": "tests/integration/secrets/test_approles.py",
    f"{PYTHON}orchestration_platform.watchdog": (
        "tests/integration/orchestration_platform/alerts/test_watchdog.py"
    ),
    f"{_ALERTS}show 12": _INCIDENTS,
    f'{_ALERTS}ack 12 --reason "on it"': _INCIDENTS,
    f'{_ALERTS}resolve 12 --reason "the job was removed"': _INCIDENTS,
    f'{_ALERTS}drop slack:#old --reason "the channel was archived"': _DESTINATIONS,
    f'{_ALERTS}redirect slack:#old slack:#new --reason "moved"': _DESTINATIONS,
    f"{_ALERTS}test slack_on_run_failure": f"{_CONTROL}/test_test_messages.py",
    "make alerts-listen": f"{_CONTROL}/test_buttons.py",
    f"{PYTHON}orchestration_platform.metadata publish": (
        "tests/integration/orchestration_platform/metadata/test_publish_command.py"
    ),
    "make audit": _IMAGE,
    "make sbom": _IMAGE,
    "make preview": _PREVIEW,
    "make preview BASE=v0.1.0": _PREVIEW,
    "make preview SAMPLES=1": _PREVIEW,
    f'{PYTHON}gocardless.connect --provider enable_banking --bank "My Bank" --country DE': (
        "tests/integration/gocardless/enable_banking/test_connect.py"
    ),
    f"{PYTHON}gocardless.connections dismiss ID": (
        "tests/integration/gocardless/test_never_stale.py"
    ),
    f"{PYTHON}gocardless.ledger show ID": _LEDGER,
    f'{PYTHON}gocardless.ledger split ID --because "two visits"': _LEDGER,
    f"{PYTHON}gocardless.ledger merge ID ID": _LEDGER,
    f"{_TRIGGER}trigger multi_year_simulation --partition-range 'baseline|2025...baseline|2029' "
    "--wait": _CLIENT,
    f"{_TRIGGER}trigger single_year_simulation --partition 'high_growth|2027' --config run.yaml": (
        _CLIENT
    ),
    f"{_TRIGGER}trigger gocardless_connection_sync_job --connection-id "
    "8b6ea98c-489a-53a5-a2f1-eb8abe2adae6 --for anna": _CONNECTIONS,
    f"{_TRIGGER}trigger enable_banking_sync_job --wait": _CLIENT,
    f"{_TRIGGER}trigger enable_banking_connection_sync_job --connection-id "
    "0c4e7f2a-6f0b-4c55-9d0e-3f5b8a1d2c47": _CONNECTIONS,
    f"{_TRIGGER}status 18c9323f-...": _CLIENT,
    f"{_TRIGGER}wait 18c9323f-... --timeout 600": _CLIENT,
    f"{_TRIGGER}list --for anna --json": _CLIENT,
}

# what differs from another in a word that stands for something of the reader's, or has less
ALIKE: Mapping[str, str] = {
    "make run CENSUS=path/to/export.csv YEARS=2025-2029": (
        "make run CENSUS=path/to/export.csv SCENARIO=high_growth YEARS=2025-2029"
    ),
    "make run CENSUS=path MAPPING=mapping.yaml": (
        "make run CENSUS=path/to/export.csv MAPPING=mapping.yaml"
    ),
    "make run SCENARIO=my_plan": (
        "make run CENSUS=path/to/export.csv SCENARIO=high_growth YEARS=2025-2029"
    ),
    "make run YEARS=2025-2029": (
        "make run CENSUS=path/to/export.csv SCENARIO=high_growth YEARS=2025-2029"
    ),
    f"{PYTHON}simulation.census inspect FILE": (
        f"{PYTHON}simulation.census inspect path/to/export.csv"
    ),
    'make fit HISTORY="fy2012.csv fy2013.csv"': 'make fit HISTORY="fy2023.csv fy2024.csv"',
    "make ranges SCENARIO=fitted SEEDS=100": "make ranges SCENARIO=baseline SEEDS=100",
    'make seek TARGET="payroll 2027 <= 9.5e8" LEVER=merit_budget': (
        'make seek TARGET="payroll 2027 <= 1.2e9" LEVER=merit_budget'
    ),
    "make dev PORT=3001": "make dev",
    # what `make sandbox` starts
    f"{PYTHON}sandboxes.bank": "make sandbox",
    "make backup PLACE=url": "make backup PLACE=/mnt/backups",
    "make alert-preview RUN=id": "make alert-preview RUN=49e25c56",
}

_MEASURES = "it occupies the machine for minutes; test_documented_blocks checks its arguments"

# of our own commands; test_documented_blocks names the programs that are not ours
CANNOT: Mapping[str, str] = {
    "make test": "it would run this test",
    "make check": "pyright reads the whole tree for a minute; CI runs it beside the tests",
    "make check BASE=origin/main": "so does this; unit/metadata compares contracts with a base",
    "make manifest": (
        "it parses for each location, 20 s; a test above compares its recipe with that of "
        "`make setup`, which has run before a test can"
    ),
    "make lock UPGRADE=1": "it needs the package index, and changes versions",
    "make site": "it listens on a fixed port; test_site builds the same site and serves it",
    "make bench AGAINST=file": "it measures for an hour; unit/bench compares results",
    "make bench ONLY=board": _MEASURES,
    f"{PYTHON}bench --parts alerts": _MEASURES,
    f"{PYTHON}bench --parts gocardless": _MEASURES,
    f"{PYTHON}bench --parts year": _MEASURES,
    f"{PYTHON}bench.simulation.lake_writers": _MEASURES,
    f"{PYTHON}bench.simulation.scenarios_at_once": _MEASURES,
    ".venv/bin/dg dev": "Dagster's own command; a page compares ours with it",
}
