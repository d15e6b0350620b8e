"""The numbers of a scenario that a history shows, each with its evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import duckdb

from simulation.planning.history import Snapshot

_Z90 = 1.645
# One year's growth says little about the next: after this many years half of it is trusted.
_GROWTH_CREDIBILITY = 1.0


@dataclass(frozen=True)
class Number:
    """A fitted number of the scenario: observation, exposure, and the share that is kept."""

    name: str
    value: float
    exposed: int
    observed: float
    low: float
    high: float
    note: str = ""


def share_of(connection: duckdb.DuckDBPyConnection, name: str, happened: str, among: str) -> Number:
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


def fit_raises(connection: duckdb.DuckDBPyConnection) -> Number:
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


def growth_credibility(years: int) -> float:
    """Return the share of the growth of ``years`` years to expect in the next year."""
    return years / (years + _GROWTH_CREDIBILITY)


def fit_growth(snapshots: Sequence[Snapshot]) -> Number:
    """Return the yearly growth of headcount, shrunk towards none as far as few years say little."""
    yearly = [after.people / before.people - 1 for before, after in pairwise(snapshots)]
    observed = (snapshots[-1].people / snapshots[0].people) ** (1 / len(yearly)) - 1
    credibility = growth_credibility(len(yearly))
    return Number(
        "simulation.target_growth_rate",
        min(max(credibility * observed, -0.5), 1.0),
        len(yearly),
        observed,
        min(0.0, *yearly),
        max(0.0, *yearly),
        f"z = {len(yearly)} / ({len(yearly)} + {_GROWTH_CREDIBILITY:g}) = {credibility:.2f} of it",
    )


def fit_promotions(connection: duckdb.DuckDBPyConnection) -> Number:
    """Return the share of those below the top level who stay and move up within a year."""
    return share_of(
        connection,
        "compensation.promotion_rate",
        "next_level > stated_level",
        "not has_left and next_level is not null "
        "and stated_level < (select max(stated_level) from exposed)",
    )
