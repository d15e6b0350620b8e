"""Fits the settings of a scenario to a history, each number with its evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import duckdb

from simulation.planning.exposure import expose, exposed_cells
from simulation.planning.fitted_numbers import (
    Number,
    fit_growth,
    fit_promotions,
    fit_raises,
    share_of,
)
from simulation.planning.hiring import Hiring, fit_hiring
from simulation.planning.history import HistoryError, Snapshot
from simulation.planning.leaving import GROUPS, Leaving, fit_leaving
from simulation.planning.spread import uncertainty_of
from simulation.planning.tables import bands_of_pay, hazard_tables, neutral_promotions
from simulation.planning.thin_history import thin_places

_MOSTLY = 0.9


@dataclass(frozen=True)
class Fit:
    """What a history says: the changes of a scenario, and the evidence for each number.

    `warnings` say where it is thin.
    """

    snapshots: Sequence[Snapshot]
    leaving: Leaving
    hiring: list[Hiring]
    numbers: list[Number]
    settings: dict[str, dict[str, Any]]
    warnings: list[str]

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
    has_families = _share(connection, "job_family is not null") >= _MOSTLY
    expose(connection, snapshots, has_levels=has_levels)
    rate = share_of(connection, "workforce.experienced_termination_rate", "has_left", "true")
    if not rate.observed:
        raise HistoryError(
            f"{last.path}: everybody of the years before is still there; without a leaver there "
            "is no rate to fit"
        )
    absent = {"age_band": not has_ages, "job_family": not has_families}
    groups = tuple(group for group in GROUPS if not absent.get(group))
    leaving = fit_leaving(exposed_cells(connection, groups), groups=groups)
    hiring = fit_hiring(connection, snapshots, leaving)
    numbers = [fit_growth(snapshots), rate, fit_raises(connection)]
    if has_levels:
        numbers.append(fit_promotions(connection))
    bands = {} if has_levels else {"job_levels": bands_of_pay(connection, last)}
    return Fit(
        snapshots=snapshots,
        leaving=leaving,
        hiring=hiring,
        numbers=numbers,
        settings=_settings(
            last,
            leaving,
            hiring,
            numbers,
            bands,
            families=_factors_of_families(connection, leaving),
        )
        | {"uncertainty": uncertainty_of(connection, snapshots, leaving, numbers)},
        warnings=thin_places(snapshots, leaving, rate, has_levels=has_levels, has_ages=has_ages),
    )


def _settings(
    last: Snapshot,
    leaving: Leaving,
    hiring: Sequence[Hiring],
    numbers: Sequence[Number],
    bands: dict[str, list[dict[str, Any]]],
    *,
    families: dict[str, float],
) -> dict[str, dict[str, Any]]:
    """Return the changes of the scenario; a promotion rate makes promotions depend on it alone."""
    fitted = {number.name: round(number.value, 6) for number in numbers}
    promotion_rate = fitted.get("compensation.promotion_rate")
    year = last.year + 1
    compensation: dict[str, Any] = {
        "cola_rate": fitted["compensation.cola_rate"],
        "merit_budget": 0.0,
        "raise_date": _middle(last),
        "promotion_date": _middle(last),
        "promotion_rate": promotion_rate or 0.0,
    }
    tables = bands | hazard_tables(leaving)
    if promotion_rate is not None:
        compensation |= {"promotion_minimum_tenure": 0, "promotion_age_limit": 120}
        tables |= neutral_promotions()
    return {
        "simulation": {
            "start_year": year,
            "end_year": year + 4,
            "first_day": _first_day(last),
            "target_growth_rate": fitted["simulation.target_growth_rate"],
        },
        "workforce": {
            "experienced_termination_rate": fitted["workforce.experienced_termination_rate"],
            "new_hire_termination_rate": 0.0,
            "retirement": [],
            "leaving_by_department": {
                factor.name: round(factor.fitted, 4) for factor in leaving.of("department")
            },
            **({"leaving_by_job_family": families} if families else {}),
        },
        "hiring": {
            "recent_joiner_years": 1,
            "hiring_by_department": {each.name: round(each.factor, 4) for each in hiring},
        },
        "compensation": compensation,
        "census": {"path": str(last.path.resolve())},
        "tables": tables,
    }


def _factors_of_families(
    connection: duckdb.DuckDBPyConnection, leaving: Leaving
) -> dict[str, float]:
    """Return the factors of the families in the last census; who is in none has 1, as in a run."""
    rows = connection.execute(
        "select distinct job_family from people where year = (select max(year) from people)"
    ).fetchall()
    factors = {factor.name: factor.fitted for factor in leaving.of("job_family")}
    without = factors.pop("none", 1.0)
    return {name: round(factor / without, 4) for name, factor in factors.items() if (name,) in rows}


def _share(connection: duckdb.DuckDBPyConnection, condition: str) -> float:
    ((share,),) = connection.execute(
        f"select avg(({condition})::integer) from people"  # noqa: S608 - own conditions
    ).fetchall()
    return share


def _first_day(last: Snapshot) -> str:
    """Return the month and day after that of the census."""
    return (last.day + timedelta(days=1)).strftime("%m-%d")


def _middle(last: Snapshot) -> str:
    """Return the first of the month in the middle of the year: when raises were, does not show."""
    first = last.day + timedelta(days=1)
    return f"{(first.month + 5) % 12 + 1:02}-01"
