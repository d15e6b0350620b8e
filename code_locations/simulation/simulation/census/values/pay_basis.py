"""What the pay of a census is for: a year, a month, an hour; never taken as annual unasked."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from simulation.census.columns.mapping import CensusError, CensusField, CensusMapping, PayBasis
from simulation.census.columns.words import PAY_BASES, USUAL_FACTORS, basis_in_name, folded

# Nobody has annual pay below a quarter of the lowest band in half of a census; nor pay for an hour
# above 500 in more than single cases.
_SHARE_OF_LOWEST_BAND = 4
_MOST_FOR_AN_HOUR = 500
_SHARE_OF_SMALL_PAY = 0.05
_LEAST_SMALL_PAYS = 2

_STATED_BY_COLUMN = """
    select
        annual_compensation as written,
        bases.basis,
        count(*) as rows,
        min(row_number) as first_row
    from raw.census
    left join temp.census_bases as bases on census.pay_basis = bases.written
    where scenario_id = $scenario_id
    group by all
"""
_NOT_STATED = """
    select written, null::varchar as basis, rows, first_row
    from temp.census_amounts_annual_compensation
    where $scenario_id is not null
"""

_GROUPS = """
with counted as (
    {counted}
),

summed as (
    select
        coalesce(amount_bases.basis, counted.basis) as basis,
        amounts.amount::double as amount,
        counted.rows,
        counted.first_row,
        sum(counted.rows) over (partition by coalesce(amount_bases.basis, counted.basis)) as total,
        sum(counted.rows) over (
            partition by coalesce(amount_bases.basis, counted.basis) order by amounts.amount
        ) as up_to,
    from counted
    inner join temp.census_amounts_annual_compensation as amounts
        on counted.written = amounts.written
    left join temp.census_bases as amount_bases on amounts.basis_word = amount_bases.written
    where amounts.amount > 0
)

select
    basis,
    sum(rows) as rows,
    min(amount) filter (up_to >= total / 2) as median,
    coalesce(sum(rows) filter (amount < $most_for_an_hour), 0) as small,
    median(amount) filter (amount < $most_for_an_hour) as median_small,
    min_by(first_row, amount) as smallest_row,
    min(amount) as smallest
from summed
group by basis
order by rows desc
"""


@dataclass(frozen=True)
class PayBases:
    """The basis of pay where no row states one, the factor of each, and what was assumed."""

    otherwise: PayBasis
    factors: dict[PayBasis, float]
    assumptions: list[str]


@dataclass(frozen=True)
class _Group:
    basis: PayBasis | None
    rows: int
    median: float
    small: int
    median_small: float | None
    smallest_row: int
    smallest: float


def find_pay_bases(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    mapping: CensusMapping,
    columns: Mapping[CensusField, str],
    lowest_pay: float,
) -> PayBases:
    """Create `temp.census_bases` with the basis of each word for one, and check the factors.

    The basis is what the amount itself states, as in ``25.50 / hour``, then the column pay_basis,
    then the mapping, then the name of the pay column, then the size of the amounts against
    `lowest_pay`, where the lowest pay band starts.

    Raises:
        CensusError: pay is not annual, or does not look so, and no factor is stated; or a word
            for a basis is unknown.
    """
    name = columns["annual_compensation"]
    _create_bases(connection, scenario_id, columns)
    groups = [
        _Group(*row)
        for row in connection.execute(
            _GROUPS.format(counted=_STATED_BY_COLUMN if "pay_basis" in columns else _NOT_STATED),
            {"scenario_id": scenario_id, "most_for_an_hour": _MOST_FOR_AN_HOUR},
        ).fetchall()
    ]
    otherwise = mapping.pay_basis or basis_in_name(name) or "annual"
    used: set[PayBasis] = {group.basis or otherwise for group in groups}
    factors: dict[PayBasis, float] = {"annual": 1.0, **mapping.pay_factors}
    for group in groups:
        basis = group.basis or otherwise
        if basis not in factors:
            raise CensusError(_without_factor(name, basis, group))
        if group.basis is None and mapping.pay_basis is None and basis == "annual":
            _refuse_small_pay(name, group, lowest_pay)
    return PayBases(
        otherwise=otherwise,
        factors=factors,
        assumptions=[
            f"{name}: {basis} pay is multiplied by {factors[basis]:g} to be annual"
            for basis in factors
            if basis in used and factors[basis] != 1
        ],
    )


def _create_bases(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, columns: Mapping[CensusField, str]
) -> None:
    words = (
        []
        if "pay_basis" not in columns
        else connection.execute(
            """
        select pay_basis as word, count(*) as rows, min(row_number) as first_row
        from raw.census
        where scenario_id = ? and census_text(pay_basis) is not null
        group by pay_basis
        """,
            [scenario_id],
        ).fetchall()
    )
    of_amounts = connection.execute(
        """
        select distinct basis_word
        from temp.census_amounts_annual_compensation
        where basis_word is not null
        """
    ).fetchall()
    unknown = [row for row in words if folded(row[0]) not in PAY_BASES]
    if unknown:
        word, rows, first_row = unknown[0]
        raise CensusError(
            f"{columns['pay_basis']} (pay_basis): {word!r} is not a known basis of pay ({rows:,} "
            f"rows, first row {first_row}), allowed are {', '.join(USUAL_FACTORS)} and usual words "
            "for them"
        )
    texts = [row[0] for row in [*words, *of_amounts] if folded(row[0]) in PAY_BASES]
    connection.execute(
        "create or replace temp table census_bases as "
        "select unnest(?::varchar[]) as written, unnest(?::varchar[]) as basis",
        [texts, [PAY_BASES[folded(text)] for text in texts]],
    )


def _without_factor(name: str, basis: PayBasis, group: _Group) -> str:
    factor = USUAL_FACTORS[basis]
    return (
        f"{name} (annual_compensation): the pay of {group.rows:,} rows is {basis}, their median is "
        f"{group.median:,.2f}. State by how much it is multiplied to be annual: "
        f"`pay_factors: {{{basis}: {factor:g}}}` in a mapping would make the median "
        f"{group.median * factor:,.0f}; a factor of 1 takes it as annual"
    )


def _refuse_small_pay(name: str, group: _Group, lowest_pay: float) -> None:
    if group.median < lowest_pay / _SHARE_OF_LOWEST_BAND:
        basis: PayBasis = "hourly" if group.median < _MOST_FOR_AN_HOUR else "monthly"
        median, rows = group.median, f"the median of {group.rows:,} rows is {group.median:,.2f}"
    elif group.small >= max(_LEAST_SMALL_PAYS, group.rows * _SHARE_OF_SMALL_PAY):
        basis, median = "hourly", group.median_small or 0
        rows = (
            f"the median of {group.rows:,} rows is {group.median:,.2f}, but {group.small:,} rows "
            f"are below {_MOST_FOR_AN_HOUR}, row {group.smallest_row} with {group.smallest:,.2f}"
        )
    else:
        return
    factor = USUAL_FACTORS[basis]
    raise CensusError(
        f"{name} (annual_compensation) does not look like annual pay: {rows}. If it is {basis}, "
        f"state `pay_basis: {basis}` and `pay_factors: {{{basis}: {factor:g}}}` in a mapping: "
        f"{median:,.2f} x {factor:g} = {median * factor:,.0f} a year. If it differs from row to "
        "row, map a column to pay_basis; if it is annual, state `pay_basis: annual`"
    )
