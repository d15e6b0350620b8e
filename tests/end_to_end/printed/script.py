"""What is run of the commands that README and docs print, and in which order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PYTHON = ".venv/bin/python -m "


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
# restored beside what there is
_EMPTY = (
    "mkdir --parents ../restored/home && cp dagster.local.yaml ../restored/home/dagster.yaml && "
    "DAGSTER_HOME=$PWD/../restored/home PLATFORM_DATA_DIRECTORY=$PWD/../restored/data"
)
_ONE_YEAR = "SCENARIO=hiring_freeze YEARS=2025 REPLACE=1"
# of the few people of the census above, and fewer runs
_FEW = {"fitted": "high_growth --seeds 10"}
# it writes what is there already
_NOTHING_DIFFERS = {"make docs": "make docs && git diff --exit-code docs schemas"}
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
        f"{PYTHON}simulation.person NH-2025-000160 --scenario hiring_freeze",
        instead={"hiring_freeze": "baseline"},
        shows="NH-2025-000160",
    ),
    Run(f"{PYTHON}simulation.census inspect path/to/export.csv", shows="hire_date"),
    Run(f"{PYTHON}simulation.census inspect path/to/export.csv --write mapping.yaml"),
    Run("make run CENSUS=path/to/export.csv SCENARIO=high_growth YEARS=2025-2029", shows="Report:"),
    Run(
        "make run CENSUS=path/to/export.csv MAPPING=mapping.yaml",
        instead={"CENSUS": f"{_ONE_YEAR} CENSUS"},
        shows="Report:",
    ),
    Run(
        "make run FRESH=1",
        instead={"FRESH": f"{_ONE_YEAR} CENSUS=path/to/export.csv FRESH"},
        shows="Report:",
    ),
    # of the two that begin with the same people
    Run(
        'make compare SCENARIOS="baseline hiring_freeze"',
        instead={"baseline": "high_growth"},
        shows="Workbook: ",
    ),
    Run(
        "make workbook SCENARIO=hiring_freeze AGAINST=baseline",
        instead={"baseline": "high_growth"},
        shows=".xlsx",
    ),
    Run(f"{PYTHON}simulation.housekeeping --dry-run --json", shows="{"),
    Run('make fit HISTORY="fy2023.csv fy2024.csv"', shows="Copy `fitted`"),
    Run(f"{PYTHON}shared_lib.discovery validate", shows="simulation/orchestration.yaml: OK"),
    Run(f"{PYTHON}shared_lib.discovery list", shows="int_employee_years"),
    Run(f"{PYTHON}shared_lib.discovery explain census", shows="orchestration.yaml:"),
    Run(f"{PYTHON}simulation.ranges fitted --json", instead=_FEW, shows='"varies"'),
    Run("make docs", instead=_NOTHING_DIFFERS),
    # what is installed and parsed is up to date here
    Run("make setup"),
    # docs/alerts
    Run(f"{PYTHON}orchestration_platform.alerts incidents", shows="no open incidents"),
    Run(f"{PYTHON}orchestration_platform.alerts mutes --all", shows="no mutes"),
    Run(f"{PYTHON}orchestration_platform.alerts list --state failed", shows="no messages"),
    Run(f"{PYTHON}orchestration_platform.alerts schema", shows='"$schema"'),
    Run(
        f'{PYTHON}orchestration_platform.alerts mute --job nightly --for 2h --reason "we migrate"',
        instead={"nightly": "multi_year_simulation"},
        shows="multi_year_simulation",
    ),
    Run(
        f'{PYTHON}orchestration_platform.alerts unmute 3 --reason "done"',
        instead={" 3 ": " 1 "},
        shows="1",
    ),
    Run("make alerts", shows="no messages"),
    Run("make slack", until="SLACK"),
    # docs/catalog.md
    Run(
        f"{PYTHON}orchestration_platform.metadata file datahub catalog.json",
        instead={"catalog.json": "catalog.json --without-dagster"},
        shows="catalog.json: ",
    ),
    Run("make contracts"),
    Run("make contracts BREAKING=1"),
    # docs/gocardless and docs/how_to/own_bank.md
    Run(f"{PYTHON}gocardless.statement_files inspect STATEMENT", shows="booked: 2 entries"),
    Run(
        f'{PYTHON}gocardless.statement_files import STATEMENT... --account "my account"',
        instead={"STATEMENT...": "STATEMENT"},
        shows="2 new transactions of 2 entries",
    ),
    Run(
        f"{PYTHON}gocardless.statement_files inspect STATEMENT.csv --bank my-bank --currency EUR "
        "--write",
        shows="my-bank",
    ),
    Run(f"{PYTHON}gocardless.statement_files inspect STATEMENT.xml", shows="booked: 2 entries"),
    Run(
        f'{PYTHON}gocardless.statement_files import STATEMENT.xml --account "my account"',
        shows="0 new transactions of 2 entries",
    ),
    Run(f"{PYTHON}gocardless.ledger rebuild", shows="no column has changed"),
    Run(f"{PYTHON}gocardless.connections ended"),
    Run("make sandbox", until="GOCARDLESS"),
    Run(f"{PYTHON}sandboxes.enable_banking", until="ENABLE_BANKING"),
    # docs/orchestration_platform and docs/how_to/restore.md
    Run("make backup PLACE=/mnt/backups", instead=_BACKUPS),
    Run(
        f"{PYTHON}orchestration_platform.backup list --json",
        instead={"list": "list --place ../backups"},
        shows="[",
    ),
    Run(f"{PYTHON}orchestration_platform.backup list --place /mnt/backups", instead=_BACKUPS),
    Run(f"{PYTHON}orchestration_platform.backup verify --place /mnt/backups", instead=_BACKUPS),
    Run(
        f"{PYTHON}orchestration_platform.backup restore --place /mnt/backups --dry-run",
        instead={**_BACKUPS, ".venv": f"{_EMPTY} .venv"},
    ),
    Run("make restore PLACE=/mnt/backups", instead={**_BACKUPS, "make": f"{_EMPTY} make"}),
    Run("make doctor", shows="OK"),
    Run("make doctor FIX=1", shows="OK"),
    Run(f"{PYTHON}orchestration_platform.doctor --json", shows="["),
    Run(f"{PYTHON}orchestration_platform.web audit --last 20"),
    Run("make retention", shows="would be deleted"),
    Run("make retention DELETE=1", shows="0 runs and 0 ticks deleted"),
    Run(f"{PYTHON}orchestration_platform.housekeeping retention --dry-run --json", shows="{"),
    Run(f'{PYTHON}orchestration_platform.run_queue drain --reason "new release"', shows="paused"),
    Run(
        f"{PYTHON}orchestration_platform.run_queue freeze --until 2026-12-24T18:00 "
        '--reason "year end"',
        instead={"2026-12-24": "2126-12-24"},
        shows="2126-12-24 18:00",
    ),
    Run(f"{PYTHON}orchestration_platform.run_queue status --json", shows="year end"),
    Run(f"{PYTHON}orchestration_platform.run_queue resume", shows="not paused"),
    # docs/tutorial.md and docs/new_location.md
    Run("make location NAME=marketing OWNER=team:marketing", instead=_ALONE, shows="added"),
    Run("make alert-preview RUN=49e25c56", shows="no costs of print, only of"),
    Run("rm code_locations/marketing/marketing/assets.py"),
    Run("make location NAME=marketing REMOVE=1", instead=_ALONE, shows="removed"),
    Run(
        "make location NAME=marketing DBT=1",
        instead={**_ALONE, "marketing": "selling"},
        shows="added",
    ),
    Run("make help", shows="make run"),
)
