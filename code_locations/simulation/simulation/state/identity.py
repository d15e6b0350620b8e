"""What the rows of a year depend on: configuration, census and rules, in one fingerprint."""

import duckdb

from shared_lib.dbt.project import rules_digest
from simulation.config.known_events import known_events_digest
from simulation.config.parameters import fingerprint
from simulation.config.settings import ScenarioSettings

# What determines the rows of a year; marts only show them.
RULES = ("macros", "seeds", "models/staging", "models/intermediate")


def identity_of(*, scenario_id: str, settings: ScenarioSettings, census_digest: str) -> str:
    """Return the fingerprint of a scenario under today's rules."""
    return fingerprint(
        scenario_id=scenario_id,
        settings=settings,
        census_digest=census_digest,
        rules_digest=current_rules(),
        events_digest=known_events_digest(settings),
    )


def current_rules() -> str:
    """Return the digest of the SQL and seeds that years are computed by."""
    return rules_digest(RULES)


def census_digest(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> str:
    """Return a digest of the accepted employees, whatever their file and order."""
    row = connection.execute(
        "select count(*) || '-' || bit_xor(md5_number(concat_ws('|', employee_id, "
        "coalesce(birth_date::varchar, '?'), hire_date, coalesce(level::varchar, '?'), "
        # null for most, and then left out
        "coalesce(department, '?'), annual_compensation, termination_date, "
        "'family ' || job_family, 'fte ' || nullif(fte, 1)))) "
        "from raw.baseline_workforce_validated where scenario_id = ?",
        [scenario_id],
    ).fetchone()
    return str(row[0]) if row else ""
