"""Fits the settings of a scenario to a history, each number with its evidence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from math import sqrt
from typing import Any

import duckdb

from simulation.config.tables import seed_rows
from simulation.planning.history import HistoryError, Snapshot
from simulation.planning.leaving import GROUPS, Factor, Leaving, fit_leaving

_Z90 = 1.645
_THIN_LEAVERS = 100
_MOSTLY = 0.9
# Where no census has levels, five bands of pay stand for them, with these shares of the people.
_SHARES_OF_LEVELS = (0.1, 0.2, 0.3, 0.3, 0.1)
# One year's growth says little on the next: so many years are needed to trust half of it.
_GROWTH_CREDIBILITY = 1.0

# Each person of a year and what became of them by the end of the next. Years of age and tenure
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


@dataclass(frozen=True)
class Number:
    """A fitted number of the scenario: what was observed, on how much, and what is kept of it."""

    name: str
    value: float
    exposed: int
    observed: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True)
class Fit:
    """What a history says: the changes of a scenario, and the evidence for each number.

    `warnings` say where it is thin, and `growth` has the departments' yearly growth, which no
    setting takes yet.
    """

    snapshots: Sequence[Snapshot]
    leaving: Leaving
    numbers: list[Number]
    settings: dict[str, dict[str, Any]]
    warnings: list[str]
    growth: list[Number] = field(default_factory=list)

    def number(self, name: str) -> Number:
        """Return the number of a setting."""
        return next(number for number in self.numbers if number.name == name)


def fit(connection: duckdb.DuckDBPyConnection, snapshots: Sequence[Snapshot]) -> Fit:
    """Fit a scenario to the table `people` that :func:`read_history` creates.

    The scenario starts with the year after the last census. What yearly censuses do not show is
    neutral: hires who leave again within a year, and retirement apart from other leaving.

    Raises:
        HistoryError: nobody left in any year, so that there is no rate to fit.
    """
    last = snapshots[-1]
    has_levels = _share(connection, "level is not null") >= _MOSTLY
    has_ages = _share(connection, "birth_date is not null") >= _MOSTLY
    _expose(connection, snapshots, has_levels=has_levels)
    rate = _share_of(connection, "workforce.experienced_termination_rate", "has_left", "true")
    if not rate.observed:
        raise HistoryError(
            f"{last.path}: everybody of the years before is still there; without a leaver there "
            "is no rate to fit"
        )
    groups = tuple(group for group in GROUPS if has_ages or group != "age_band")
    leaving = fit_leaving(_cells(connection, groups), groups=groups)
    raised = _raises(connection)
    growth = _growth(snapshots)
    numbers = [growth, rate, raised]
    promoted = _promotions(connection) if has_levels else None
    if promoted:
        numbers.append(promoted)
    bands = {} if has_levels else {"job_levels": _bands_of_pay(connection, last)}
    year = last.year + 1
    settings: dict[str, dict[str, Any]] = {
        "simulation": {
            "start_year": year,
            "end_year": year + 4,
            "first_day": _first_day(last),
            "target_growth_rate": round(growth.value, 6),
        },
        "workforce": {
            "experienced_termination_rate": round(rate.value, 6),
            "new_hire_termination_rate": 0.0,
            "retirement": [],
            "leaving_by_department": {
                factor.name: round(factor.fitted, 4) for factor in leaving.of("department")
            },
        },
        "hiring": {"recent_joiner_years": 1},
        "compensation": {
            "cola_rate": round(raised.value, 6),
            "merit_budget": 0.0,
            "raise_date": _middle(last),
            "promotion_date": _middle(last),
            "promotion_rate": round(promoted.value, 6) if promoted else 0.0,
            **({"promotion_minimum_tenure": 0, "promotion_age_limit": 120} if promoted else {}),
        },
        "census": {"path": str(last.path.resolve())},
        "tables": bands | _hazards(leaving) | (_neutral_promotions() if promoted else {}),
    }
    return Fit(
        snapshots=snapshots,
        leaving=leaving,
        numbers=numbers,
        settings=settings,
        warnings=_warnings(snapshots, leaving, rate, has_levels=has_levels, has_ages=has_ages),
        growth=_growth_by_department(connection, snapshots),
    )


def _share(connection: duckdb.DuckDBPyConnection, condition: str) -> float:
    ((share,),) = connection.execute(
        f"select avg(({condition})::integer) from people"  # noqa: S608 - own conditions
    ).fetchall()
    return share


def _expose(
    connection: duckdb.DuckDBPyConnection, snapshots: Sequence[Snapshot], *, has_levels: bool
) -> None:
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
            "shares": _edges(),
            "last_year": snapshots[-1].year,
        },
    )


def _cells(connection: duckdb.DuckDBPyConnection, groups: Sequence[str]) -> dict[str, Any]:
    columns = ", ".join([*groups, "fold"])
    return connection.execute(
        f"select {columns}, count(*) as people, "  # noqa: S608 - own names
        "count(*) filter (has_left) as left "
        f"from exposed group by {columns} order by {columns}"
    ).fetchnumpy()


def _edges() -> list[float]:
    return [sum(_SHARES_OF_LEVELS[: position + 1]) for position in range(4)]


def _share_of(
    connection: duckdb.DuckDBPyConnection, name: str, happened: str, among: str
) -> Number:
    """Return the share of person-years in which it happened, and 90 % (Agresti and Coull)."""
    ((trials, successes),) = connection.execute(
        f"select count(*), count(*) filter ({happened}) "  # noqa: S608 - own conditions
        f"from exposed where {among}"
    ).fetchall()
    centre = (successes + _Z90**2 / 2) / (trials + _Z90**2)
    error = _Z90 * sqrt(centre * (1 - centre) / (trials + _Z90**2))
    return Number(
        name,
        successes / trials if trials else 0.0,
        trials,
        successes,
        max(0.0, centre - error),
        min(1.0, centre + error),
    )


def _raises(connection: duckdb.DuckDBPyConnection) -> Number:
    """Return the raise of those who stay, weighted with their pay, promotions included."""
    ((stayed, ratio, deviation, pay),) = connection.execute(
        """
        with stayed as (
            select pay, next_pay, sum(next_pay) over () / sum(pay) over () as ratio
            from exposed
            where not has_left
        )

        select
            count(*),
            coalesce(any_value(ratio), 1),
            coalesce(stddev_samp(next_pay - ratio * pay), 0),
            coalesce(sum(pay), 1)
        from stayed
        """
    ).fetchall()
    error = _Z90 * deviation * sqrt(stayed) / pay
    observed = ratio - 1
    return Number(
        "compensation.cola_rate",
        min(max(observed, 0.0), 0.5),
        stayed,
        observed,
        observed - error,
        observed + error,
    )


def _growth(snapshots: Sequence[Snapshot]) -> Number:
    yearly = [after.people / before.people - 1 for before, after in pairwise(snapshots)]
    observed = (snapshots[-1].people / snapshots[0].people) ** (1 / len(yearly)) - 1
    credibility = len(yearly) / (len(yearly) + _GROWTH_CREDIBILITY)
    return Number(
        "simulation.target_growth_rate",
        min(max(credibility * observed, -0.5), 1.0),
        len(yearly),
        observed,
        min(0.0, *yearly),
        max(0.0, *yearly),
        f"z = {len(yearly)} / ({len(yearly)} + {_GROWTH_CREDIBILITY:g}) = {credibility:.2f} of it",
    )


def _growth_by_department(
    connection: duckdb.DuckDBPyConnection, snapshots: Sequence[Snapshot]
) -> list[Number]:
    first, last = snapshots[0].year, snapshots[-1].year
    rows = connection.execute(
        """
        select
            department,
            count(*) filter (year = $first) as before,
            count(*) filter (year = $last) as after
        from people
        group by department
        having before > 0
        order by before desc, department
        """,
        {"first": first, "last": last},
    ).fetchall()
    numbers = []
    for department, before, after in rows:
        yearly = (after / before) ** (1 / (last - first)) - 1
        error = _Z90 * sqrt(max(after, 1)) / before / (last - first)
        numbers.append(Number(department, yearly, before, after, yearly - error, yearly + error))
    return numbers


def _promotions(connection: duckdb.DuckDBPyConnection) -> Number:
    return _share_of(
        connection,
        "compensation.promotion_rate",
        "next_level > stated_level",
        "not has_left and next_level is not null "
        "and stated_level < (select max(stated_level) from exposed)",
    )


def _neutral_promotions() -> dict[str, list[dict[str, Any]]]:
    """Return tables with which everybody below the top has the fitted chance."""
    top = max(int(row["level"]) for row in seed_rows("job_levels"))
    return {
        "promotion_hazard_by_age": [
            {"age_band": row["age_band"], "multiplier": 1.0} for row in seed_rows("age_bands")
        ],
        "promotion_hazard_by_tenure": [
            {"tenure_band": row["tenure_band"], "multiplier": 1.0}
            for row in seed_rows("tenure_bands")
        ],
        "promotion_hazard_by_level": [
            {"level": level, "multiplier": float(level < top)} for level in range(1, top + 1)
        ],
    }


def _hazards(leaving: Leaving) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of leaving; bands that nobody was in, or that do not show, have 1."""
    tables = {}
    for key, seed in (("tenure_band", "tenure"), ("age_band", "age"), ("level", "level")):
        fitted = {factor.name: factor.fitted for factor in leaving.of(key)}
        tables[f"termination_hazard_by_{seed}"] = [
            {
                key: int(row[key]) if key == "level" else row[key],
                "multiplier": round(fitted.get(row[key], 1.0), 4),
            }
            for row in seed_rows("job_levels" if key == "level" else f"{seed}_bands")
        ]
    return tables


def _bands_of_pay(connection: duckdb.DuckDBPyConnection, last: Snapshot) -> list[dict[str, Any]]:
    """Return a band for each level that holds its share of the people of the last year."""
    # a band ends where the next pay above its share begins, so that equal pay has one level
    bounds = [
        bound
        for (bound,) in connection.execute(
            """
            with edges as (
                select min(pay) as lowest, max(pay) as highest,
                    unnest(quantile_disc(pay, $shares::double[])) as edge
                from people
                where year = $year
            )

            select min(lowest) from edges
            union all
            (
                select coalesce(min(pay), edge * 1.01)
                from edges
                left join people on people.year = $year and people.pay > edges.edge
                group by edge
                order by edge
            )
            union all
            select max(highest) * 1.01 from edges
            """,
            {"shares": _edges(), "year": last.year},
        ).fetchall()
    ]
    for position in range(1, len(bounds)):
        bounds[position] = max(round(bounds[position], 2), round(bounds[position - 1] + 0.01, 2))
    return [
        {
            "level": int(row["level"]),
            "level_name": row["level_name"],
            "min_compensation": low,
            "max_compensation": high,
        }
        for row, (low, high) in zip(seed_rows("job_levels"), pairwise(bounds), strict=True)
    ]


def _first_day(last: Snapshot) -> str:
    """Return the month and day after that of the census."""
    return (last.day + timedelta(days=1)).strftime("%m-%d")


def _middle(last: Snapshot) -> str:
    """Return the first of the month in the middle of the year: when raises were, does not show."""
    first = last.day + timedelta(days=1)
    return f"{(first.month + 5) % 12 + 1:02}-01"


def _warnings(
    snapshots: Sequence[Snapshot],
    leaving: Leaving,
    rate: Number,
    *,
    has_levels: bool,
    has_ages: bool,
) -> list[str]:
    left = round(rate.observed)
    warnings = [
        f"{snapshot.path.name}: {snapshot.rejected:,} rows were rejected"
        for snapshot in snapshots
        if snapshot.rejected
    ]
    if len(snapshots) == 2:  # noqa: PLR2004 - a year and the next
        warnings.append(
            "one year passed between the censuses: growth and raises are those of that year, and "
            "how they differ from year to year does not show"
        )
    if left < _THIN_LEAVERS:
        warnings.append(
            f"{left} people left, fewer than {_THIN_LEAVERS}: differences between groups are "
            "hardly more than chance"
        )
    thin = [factor for factor in leaving.factors if factor.credibility < 0.5]  # noqa: PLR2004
    if thin:
        warnings.append(
            f"{len(thin)} of {len(leaving.factors)} groups have fewer expected leavers than k = "
            f"{leaving.k:g}; less than half of what they show is kept: {_named(thin)}"
        )
    if not has_levels:
        warnings.append(
            "no levels: five bands of pay stand for them, and promotions count among the raises"
        )
    if not has_ages:
        warnings.append("no birth dates: leaving does not differ by age")
    warnings.append(
        "yearly censuses do not show hires who leave again before the year ends: their rate is 0"
    )
    return warnings


def _named(factors: Sequence[Factor]) -> str:
    shown = sorted(factors, key=lambda factor: -factor.exposed)[:3]
    more = len(factors) - len(shown)
    names = ", ".join(f"{factor.name} ({factor.exposed})" for factor in shown)
    return names + (f" and {more} more" if more else "")
