"""Which people are employed, by the status column of a census."""

from collections.abc import Mapping

import duckdb

from simulation.census.columns.mapping import CensusError, CensusField, CensusMapping, listed
from simulation.census.columns.words import STATUSES, folded


def find_statuses(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    mapping: CensusMapping,
    columns: Mapping[CensusField, str],
) -> list[str]:
    """Create `temp.census_statuses`, whether each status is that of an employee.

    Returns:
        What was assumed, in sentences.

    Raises:
        CensusError: a status is unknown, and the mapping does not list the active ones.
    """
    rows = (
        []
        if "status" not in columns
        else connection.execute(
            """
        select status, count(*) as rows, min(row_number) as first_row
        from raw.census
        where scenario_id = ?
            and census_text(employee_id) is not null
            and census_text(status) is not null
        group by status
        order by rows desc
        """,
            [scenario_id],
        ).fetchall()
    )
    stated = mapping.active_statuses
    active = {status.strip().casefold() for status in stated or ()}
    name = columns.get("status", "status")
    known: dict[str, bool] = {}
    unknown: list[str] = []
    for status, count, first_row in rows:
        if stated is not None:
            known[status] = status.strip().casefold() in active
        elif folded(status) in STATUSES:
            known[status] = STATUSES[folded(status)]
        elif status.strip().casefold() != name.casefold():
            unknown.append(f"{status!r} ({count:,} rows, first row {first_row})")
    if unknown:
        raise CensusError(
            f"{name} (status): not known to be active or not: {listed(unknown[:5])}. List the "
            "active ones in a mapping, such as "
            f"`active_statuses: [{', '.join(s for s, is_active in known.items() if is_active)}]`"
        )
    connection.execute(
        "create or replace temp table census_statuses as "
        "select unnest(?::varchar[]) as written, unnest(?::boolean[]) as is_active",
        [list(known), list(known.values())],
    )
    if not rows or stated is not None:
        return []
    employed = listed(status for status, is_active in known.items() if is_active)
    others = listed(status for status, is_active in known.items() if not is_active)
    return [f"{name}: employed are {employed}; not employed are {others}"]
