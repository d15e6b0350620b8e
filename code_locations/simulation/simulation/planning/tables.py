"""The tables of a fitted scenario: hazards of leaving, chances of promotion, and bands of pay."""

from itertools import pairwise
from typing import Any

import duckdb

from simulation.config.tables import seed_rows
from simulation.planning.exposure import edges_of_levels
from simulation.planning.history import Snapshot
from simulation.planning.leaving import Leaving


def hazard_tables(leaving: Leaving) -> dict[str, list[dict[str, Any]]]:
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


def neutral_promotions() -> dict[str, list[dict[str, Any]]]:
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


def bands_of_pay(connection: duckdb.DuckDBPyConnection, last: Snapshot) -> list[dict[str, Any]]:
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
            {"shares": edges_of_levels(), "year": last.year},
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
