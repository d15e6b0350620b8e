"""The verdict on a census: how many of its rows were accepted, and why the others were not."""

from dataclasses import dataclass

import duckdb

from simulation.census.columns.mapping import CensusError
from simulation.census.judgement.rules import ASIDE, REASONS


@dataclass(frozen=True)
class CensusVerdict:
    """The outcome of validating a census; the first four counts below add up to `rows_read`.

    `rows_accepted` enter the opening workforce, `rows_rejected` are excluded for the `reasons`
    counted, `rows_left_before_start` are good but left on or before the opening date, and
    `rows_set_aside` are no such person, as `set_aside` counts them. The two `rows_without_` counts
    and `rows_leaving_later`, who have a termination date after the opening date, are among the
    accepted.
    """

    census_name: str
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_left_before_start: int
    rows_without_birth_date: int
    rows_without_level: int
    reject_share_limit: float
    rows_set_aside: int
    rows_leaving_later: int
    reasons: dict[str, int]
    set_aside: dict[str, int]

    @property
    def reject_share(self) -> float:
        """Return the share of the rows read that was rejected, from 0 to 1."""
        return self.rows_rejected / self.rows_read

    @property
    def within_limit(self) -> bool:
        """Return whether the share of rejects is within its limit."""
        return self.reject_share <= self.reject_share_limit


def read_verdict(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> CensusVerdict:
    """Return the stored verdict on the scenario's census.

    Raises:
        CensusError: the scenario's census has not been validated.
    """
    counts = connection.execute(
        "select census_name, rows_read, rows_accepted, rows_rejected, rows_left_before_start, "
        "rows_without_birth_date, rows_without_level, reject_share_limit, rows_set_aside, "
        "rows_leaving_later "
        "from raw.census_data_validation where scenario_id = ?",
        [scenario_id],
    ).fetchone()
    if counts is None:
        raise CensusError(f"the census of the scenario {scenario_id!r} has not been validated")
    reasons = connection.execute(
        """
        select reason, count(*)
        from raw.census_rejects
        where scenario_id = ?
        group by reason
        """,
        [scenario_id],
    ).fetchall()
    set_aside = connection.execute(
        """
        select reason, count(*)
        from raw.census_set_aside
        where scenario_id = ? and reason <> 'left_before_start'
        group by reason
        """,
        [scenario_id],
    ).fetchall()
    return CensusVerdict(
        *counts,
        reasons=dict(sorted(reasons, key=lambda one: REASONS.index(one[0]))),
        set_aside=dict(sorted(set_aside, key=lambda one: list(ASIDE).index(one[0]))),
    )
