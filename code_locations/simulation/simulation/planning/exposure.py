"""Who was employed in each year of a history, and who of them had left by the end of the next."""

from collections.abc import Sequence
from typing import Any

import duckdb

from simulation.config.tables import seed_rows
from simulation.planning.history import Snapshot

# Where no census has levels, five bands of pay replace them, with these shares of the people.
_SHARES_OF_LEVELS = (0.1, 0.2, 0.3, 0.3, 0.1)

# Each person of a year and whether they had left by the end of the next. Years of age and tenure
# are completed by the end of the year; without levels, the place in the pay of all is one.
_EXPOSED = """
create or replace table exposed as
with opening as (
    select
        people.*,
        (md5_number(employee_id) % 5)::integer as fold,
        quantile_disc(pay, $shares::double[]) over (partition by year) as edges,
        date_sub('year', hire_date, days.day) as tenure,
        date_sub('year', birth_date, days.day) as age
    from people
    inner join days using (year)
)

select
    opening.year,
    opening.employee_id,
    opening.fold,
    opening.pay,
    opening.department,
    coalesce(opening.job_family, 'none') as job_family,
    opening.level as stated_level,
    coalesce(
        if($has_levels, opening.level, null),
        1 + len(list_filter(opening.edges, lambda edge: edge < opening.pay))
    ) as level,
    tenure_bands.band as tenure_band,
    coalesce(age_bands.band, 'unknown') as age_band,
    closing.employee_id is null as has_left,
    closing.pay as next_pay,
    closing.level as next_level
from opening
inner join bands as tenure_bands
    on
        tenure_bands.kind = 'tenure'
        and opening.tenure >= tenure_bands.low
        and opening.tenure < tenure_bands.high
left join bands as age_bands
    on
        age_bands.kind = 'age'
        and opening.age >= age_bands.low
        and opening.age < age_bands.high
left join people as closing
    on
        opening.employee_id = closing.employee_id
        and closing.year = opening.year + 1
where opening.year < $last_year
"""


def expose(
    connection: duckdb.DuckDBPyConnection, snapshots: Sequence[Snapshot], *, has_levels: bool
) -> None:
    """Create the table `exposed` from `people`: a row for each person of each year but the last.

    Where ``has_levels`` is false, five bands of pay stand for the levels.
    """
    connection.execute("create or replace table days (year integer, day date)")
    connection.executemany("insert into days values (?, ?)", [(s.year, s.day) for s in snapshots])
    connection.execute(
        "create or replace table bands (kind varchar, band varchar, low integer, high integer)"
    )
    connection.executemany(
        "insert into bands values (?, ?, ?, ?)",
        [
            (kind, row[f"{kind}_band"], int(row[f"min_{kind}"]), int(row[f"max_{kind}"]))
            for kind in ("tenure", "age")
            for row in seed_rows(f"{kind}_bands")
        ],
    )
    connection.execute(
        _EXPOSED,
        {
            "has_levels": has_levels,
            "shares": edges_of_levels(),
            "last_year": snapshots[-1].year,
        },
    )


def exposed_cells(connection: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> dict[str, Any]:
    """Return the people and leavers of each combination of ``groups`` and fold, by column."""
    columns = ", ".join([*groups, "fold"])
    return connection.execute(
        f"select {columns}, count(*) as people, "  # noqa: S608 - own names
        "count(*) filter (has_left) as left "
        f"from exposed group by {columns} order by {columns}"
    ).fetchnumpy()


def edges_of_levels() -> list[float]:
    """Return the shares of people, cumulated, at which one level ends and the next begins."""
    return [sum(_SHARES_OF_LEVELS[: position + 1]) for position in range(4)]
