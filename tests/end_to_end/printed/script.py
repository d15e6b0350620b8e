"""What is run of the commands that README and docs print, in which order, and what is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_PYTHON = ".venv/bin/python -m "


@dataclass(frozen=True)
class Run:
    """A printed command that is run.

    Attributes:
        printed: the command as the pages print it.
        instead: words that stand for something of the reader's, and what they are here.
        until: what a server has printed when it serves; a command without it ends by itself.
        shows: part of what it prints.
    """

    printed: str
    instead: Mapping[str, str] = field(default_factory=dict)
    until: str = ""
    shows: str = ""

    @property
    def command(self) -> str:
        """The line of a shell."""
        line = self.printed
        for word, other in self.instead.items():
            assert word in line, f"{line} has no {word}"
            line = line.replace(word, other)
        return line


_BACKUPS = {"/mnt/backups": "../backups"}
# it installs nothing here, and does not load all locations again
_ALONE = {"make location": "make MAKE=true location"}

RUNS: Sequence[Run] = (
    # README and docs/how_to/own_census.md
    Run("make run", shows="Report: "),
    Run(
        ".venv/bin/python -c \"import duckdb; duckdb.connect('data/local/simulation.duckdb', "
        "read_only=True).sql('from marts.fct_year_summary').show()\"",
        shows="baseline",
    ),
    Run("make cost SCENARIO=baseline", shows="Report: "),
    Run(
        f"{_PYTHON}simulation.person NH-2025-000160 --scenario hiring_freeze",
        instead={"hiring_freeze": "baseline"},
        shows="NH-2025-000160",
    ),
    Run(f"{_PYTHON}simulation.census inspect path/to/export.csv", shows="hire_date"),
    Run(f"{_PYTHON}simulation.census inspect path/to/export.csv --write mapping.yaml"),
    Run("make run CENSUS=path/to/export.csv SCENARIO=high_growth YEARS=2025-2029", shows="Report:"),
    Run('make fit HISTORY="fy2023.csv fy2024.csv"', shows="Copy `fitted`"),
    Run(f"{_PYTHON}shared_lib.discovery validate", shows="simulation/orchestration.yaml: OK"),
    Run(f"{_PYTHON}shared_lib.discovery list", shows="int_employee_years"),
    Run(f"{_PYTHON}shared_lib.discovery explain census", shows="orchestration.yaml:"),
    # docs/alerts
    Run(f"{_PYTHON}orchestration_platform.alerts incidents", shows="no open incidents"),
    Run(f"{_PYTHON}orchestration_platform.alerts mutes --all", shows="no mutes"),
    Run("make alerts", shows="no messages"),
    Run("make slack", until="SLACK"),
    # docs/catalog.md
    Run("make contracts"),
    Run("make contracts BREAKING=1"),
    # docs/gocardless and docs/how_to/own_bank.md
    Run(f"{_PYTHON}gocardless.statement_files inspect STATEMENT", shows="booked: 2 entries"),
    Run(
        f'{_PYTHON}gocardless.statement_files import STATEMENT... --account "my account"',
        instead={"STATEMENT...": "STATEMENT"},
        shows="2 new transactions of 2 entries",
    ),
    Run(
        f"{_PYTHON}gocardless.statement_files inspect STATEMENT.csv --bank my-bank --currency EUR "
        "--write",
        shows="my-bank",
    ),
    Run(f"{_PYTHON}gocardless.statement_files inspect STATEMENT.xml", shows="booked: 2 entries"),
    Run(
        f'{_PYTHON}gocardless.statement_files import STATEMENT.xml --account "my account"',
        shows="0 new transactions of 2 entries",
    ),
    Run(f"{_PYTHON}gocardless.ledger rebuild", shows="no column has changed"),
    Run("make sandbox", until="GOCARDLESS"),
    # docs/orchestration_platform and docs/how_to/restore.md
    Run("make backup PLACE=/mnt/backups", instead=_BACKUPS),
    Run(
        f"{_PYTHON}orchestration_platform.backup list --json",
        instead={"list": "list --place ../backups"},
        shows="[",
    ),
    Run(f"{_PYTHON}orchestration_platform.backup list --place /mnt/backups", instead=_BACKUPS),
    Run(f"{_PYTHON}orchestration_platform.backup verify --place /mnt/backups", instead=_BACKUPS),
    Run("make doctor", shows="OK"),
    Run("make retention", shows="would be deleted"),
    Run("make retention DELETE=1", shows="0 runs and 0 ticks deleted"),
    Run(f"{_PYTHON}orchestration_platform.housekeeping retention --dry-run --json", shows="{"),
    Run(f'{_PYTHON}orchestration_platform.run_queue drain --reason "new release"', shows="paused"),
    Run(
        f"{_PYTHON}orchestration_platform.run_queue freeze --until 2026-12-24T18:00 "
        '--reason "year end"',
        instead={"2026-12-24": "2126-12-24"},
        shows="2126-12-24 18:00",
    ),
    Run(f"{_PYTHON}orchestration_platform.run_queue status --json", shows="year end"),
    Run(f"{_PYTHON}orchestration_platform.run_queue resume", shows="not paused"),
    # docs/tutorial.md and docs/new_location.md
    Run("make location NAME=marketing OWNER=team:marketing", instead=_ALONE, shows="added"),
    Run("make alert-preview RUN=49e25c56", shows="no costs of print, only of"),
    Run("rm code_locations/marketing/marketing/assets.py"),
    Run("make location NAME=marketing REMOVE=1", instead=_ALONE, shows="removed"),
)

_CONTROL = "tests/integration/orchestration_platform/alerts/control"
_INCIDENTS = f"{_CONTROL}/test_control_of_incidents.py"
_PLANNING = "tests/integration/simulation/test_planning.py"
_CLIENT = "tests/integration/dagster_client/test_command_line.py"
_BACKUP = "tests/integration/orchestration_platform/backup/test_backup.py"
_MIGRATION = "tests/integration/simulation/test_lake_migration.py"
_MAINTENANCE = "tests/integration/simulation/test_lake_maintenance.py"
_ALERTS = f"{_PYTHON}orchestration_platform.alerts "
_TRIGGER = f"{_PYTHON}shared_lib.dagster_client "

# the test that runs each with what it needs: another scenario, a webserver, incidents, a lake
ELSEWHERE: Mapping[str, str] = {
    'make compare SCENARIOS="baseline hiring_freeze"': _PLANNING,
    "make workbook SCENARIO=hiring_freeze AGAINST=baseline": _PLANNING,
    "make workbook SCENARIO=baseline AS_OF=4af6c595": _MIGRATION,
    'make seek TARGET="payroll 2027 <= 1.2e9" LEVER=merit_budget': _PLANNING,
    "make ranges SCENARIO=baseline SEEDS=100": _PLANNING,
    "make plan SCENARIO=baseline": "tests/integration/simulation/test_plan.py",
    "make run CENSUS=path/to/export.csv MAPPING=mapping.yaml": (
        "tests/unit/simulation/test_command_line.py"
    ),
    'make backtest HISTORY="fy2012.csv fy2013.csv fy2014.csv"': "tests/property/test_backtest.py",
    ".venv/bin/dg check defs": "tests/integration/discovery/test_commands.py",
    ".venv/bin/dg list defs --target-path code_locations/simulation": (
        "tests/integration/discovery/test_commands.py"
    ),
    ".venv/bin/dg list components": "tests/integration/components/test_dg.py",
    "make dev": "tests/end_to_end/test_dagster_dev.py",
    "make vault": "tests/integration/secrets/test_local_server.py",
    f"{_PYTHON}shared_lib.secrets.provisioning": "tests/integration/secrets/test_approles.py",
    f"{_ALERTS}show 12": _INCIDENTS,
    f'{_ALERTS}ack 12 --reason "on it"': _INCIDENTS,
    f'{_ALERTS}resolve 12 --reason "the job was removed"': _INCIDENTS,
    f'{_ALERTS}drop slack:#old --reason "the channel was archived"': (
        f"{_CONTROL}/test_control_of_destinations.py"
    ),
    f'{_ALERTS}redirect slack:#old slack:#new --reason "moved"': (
        f"{_CONTROL}/test_control_of_destinations.py"
    ),
    f'{_ALERTS}mute --job nightly --for 2h --reason "we migrate"': f"{_CONTROL}/test_mutes.py",
    f'{_ALERTS}unmute 3 --reason "done"': f"{_CONTROL}/test_mutes.py",
    f"{_ALERTS}test slack_on_run_failure": f"{_CONTROL}/test_test_messages.py",
    "make alerts-listen": f"{_CONTROL}/test_buttons.py",
    f"{_PYTHON}orchestration_platform.metadata file datahub catalog.json": (
        "tests/integration/orchestration_platform/metadata/test_publish_command.py"
    ),
    f"{_PYTHON}orchestration_platform.metadata publish": (
        "tests/integration/orchestration_platform/metadata/test_publish_command.py"
    ),
    f'{_PYTHON}gocardless.connect --provider enable_banking --bank "My Bank" --country DE': (
        "tests/integration/gocardless/enable_banking/test_connect.py"
    ),
    f"{_PYTHON}gocardless.ledger show ID": "tests/unit/gocardless/test_ledger_decisions.py",
    f'{_PYTHON}gocardless.ledger split ID --because "two visits"': (
        "tests/unit/gocardless/test_ledger_decisions.py"
    ),
    f"{_PYTHON}gocardless.ledger merge ID ID": "tests/unit/gocardless/test_ledger_decisions.py",
    "make restore PLACE=/mnt/backups": _BACKUP,
    f"{_PYTHON}orchestration_platform.backup restore --place /mnt/backups --dry-run": _BACKUP,
    f"{_PYTHON}simulation.warehouse migrate --to lake": _MIGRATION,
    "make maintain": _MAINTENANCE,
    "make maintain DELETE=1": _MAINTENANCE,
    "make location NAME=marketing DBT=1": "tests/integration/new_location/test_new_location.py",
    "make preview": "tests/integration/preview/test_changes.py",
    "make preview BASE=v0.1.0": "tests/integration/preview/test_changes.py",
    "make preview SAMPLES=1": "tests/integration/preview/test_changes.py",
    "make manifest": "tests/smoke/test_dbt_project.py",
    "make check BASE=origin/main": (
        "tests/integration/orchestration_platform/metadata/test_contract_files.py"
    ),
    f"{_TRIGGER}trigger multi_year_simulation --partition-range 'baseline|2025...baseline|2029' "
    "--wait": _CLIENT,
    f"{_TRIGGER}trigger single_year_simulation --partition 'high_growth|2027' --config run.yaml": (
        _CLIENT
    ),
    f"{_TRIGGER}trigger gocardless_connection_sync_job --connection-id "
    "8b6ea98c-489a-53a5-a2f1-eb8abe2adae6 --for anna": (
        "tests/integration/gocardless/test_connection_job.py"
    ),
    f"{_TRIGGER}trigger enable_banking_sync_job --wait": _CLIENT,
    f"{_TRIGGER}trigger enable_banking_connection_sync_job --connection-id "
    "0c4e7f2a-6f0b-4c55-9d0e-3f5b8a1d2c47": "tests/integration/gocardless/test_connection_job.py",
    f"{_TRIGGER}status 18c9323f-...": _CLIENT,
    f"{_TRIGGER}wait 18c9323f-... --timeout 600": _CLIENT,
    f"{_TRIGGER}list --for anna --json": "tests/integration/dagster_client/test_job_runs.py",
}

# what differs from one of RUNS in a word that stands for something of the reader's, or has less
ALIKE: Mapping[str, str] = {
    "make run CENSUS=path/to/export.csv YEARS=2025-2029": (
        "make run CENSUS=path/to/export.csv SCENARIO=high_growth YEARS=2025-2029"
    ),
    'make fit HISTORY="fy2012.csv fy2013.csv"': 'make fit HISTORY="fy2023.csv fy2024.csv"',
    "make alert-preview RUN=id": "make alert-preview RUN=49e25c56",
}

# of our own commands; test_documented_blocks names the programs that are not ours
CANNOT: Mapping[str, str] = {
    "make test": "it would run this test",
    "make check": "it is what CI runs beside the tests",
    "make lock UPGRADE=1": "needs the package index, and changes versions",
}
