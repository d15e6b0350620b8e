"""What is not plausible about the people of a census, in sentences; nothing is changed for it."""

from collections.abc import Iterator
from datetime import date

import duckdb

from simulation.census.levels import PayBands

# From these on a sentence is worth reading.
_SHARE_OUTSIDE_BANDS = 0.02
_SHARE_INVENTED = 0.01
_SHARE_AFTER_OPENING = 0.05
_SHARE_OF_SEVERAL = 0.2
# Where a tenth is hired each year, five times the mean distance of two hires, or more.
_DAYS_WITHOUT_HIRE = 120
_DAYS_WITHOUT_HIRE_OF_ONE = 5 * 3_650
_HIRE_PAY_DISTANCE = 0.15
_LEAST_JOINERS = 10

_PEOPLE = """
select
    count(*) as people,
    count(*) filter (pay < $lowest) as below,
    min_by(employee_id, pay) as lowest_paid,
    min(pay)::double as lowest_pay,
    count(*) filter (pay >= $highest) as above,
    max_by(employee_id, pay) as best_paid,
    max(pay)::double as highest_pay,
    count(*) filter (born_on is null) as without_birth_date,
    count(*) filter (level_number is null) as without_level,
    max(hired_on) as newest_hire,
    max_by(employee_id, hired_on) as newest,
    (select count(*) from temp.census_verdicts where aside = 'hired_after_start') as hired_later,
    (
        select count(distinct employee_id)
        from temp.census_verdicts
        where reject is null and aside = 'second_position'
    ) as with_several
from temp.census_verdicts
where reject is null and aside is null
"""

# What a hire of the level of each recent joiner would be paid, against what they are paid.
_JOINERS = """
with bands as (
    select
        unnest($levels::integer[]) as level,
        unnest($from::double[]) as pay_from,
        unnest($to::double[]) as pay_to
),

joiners as (
    select
        row_number,
        pay::double as pay,
        coalesce(
            level_number,
            (select min(level) from bands where pay < pay_to),
            (select max(level) from bands)
        ) as level
    from temp.census_verdicts
    where reject is null and aside is null
        and hired_on > $opening_date - interval 1 year
)

select
    count(*) as joiners,
    avg(joiners.pay) as mean_pay,
    avg(bands.pay_from + $percentile * (bands.pay_to - bands.pay_from)) as mean_hire_pay
from joiners
inner join bands on joiners.level = bands.level
"""


def implausible(
    connection: duckdb.DuckDBPyConnection,
    *,
    opening_date: date,
    hire_pay_percentile: float,
    bands: PayBands,
) -> Iterator[str]:
    """Yield what is not plausible about the accepted people in `temp.census_verdicts`.

    Args:
        connection: a warehouse in which a census is being validated.
        opening_date: the day of the census.
        hire_pay_percentile: where in a band hires are paid by the configuration, from 0 to 1.
        bands: the pay bands of the scenario.
    """
    lowest, highest = (min(low for low, _ in bands.values()), max(top for _, top in bands.values()))
    (
        (
            people,
            below,
            lowest_paid,
            lowest_pay,
            above,
            best_paid,
            highest_pay,
            without_birth_date,
            without_level,
            newest_hire,
            newest,
            hired_later,
            with_several,
        ),
    ) = connection.execute(_PEOPLE, {"lowest": lowest, "highest": highest}).fetchall()
    if not people:
        return
    if (below + above) / people > _SHARE_OUTSIDE_BANDS:
        examples = [
            *([f"{below:,} below {lowest:,} ({lowest_paid}: {lowest_pay:,.0f})"] if below else []),
            *(
                [f"{above:,} from {highest:,} up ({best_paid}: {highest_pay:,.0f})"]
                if above
                else []
            ),
        ]
        yield (
            f"{(below + above) / people:.0%} of the people are paid outside all pay bands: "
            f"{' and '.join(examples)}; the table job_levels has the bands"
        )
    usual = max(_DAYS_WITHOUT_HIRE, _DAYS_WITHOUT_HIRE_OF_ONE / people)
    if (opening_date - newest_hire).days > usual:
        yield (
            f"the newest hire, {newest} on {newest_hire}, is {(opening_date - newest_hire).days:,} "
            f"days before {opening_date}: is it the census of that day?"
        )
    if hired_later / people > _SHARE_AFTER_OPENING:
        yield (
            f"{hired_later:,} people were hired after {opening_date}, {people:,} are employed on "
            "it: is it the census of that day?"
        )
    if with_several / people > _SHARE_OF_SEVERAL:
        yield (
            f"{with_several:,} people ({with_several / people:.0%}) have several rows, all active: "
            "if the file has a row for each change of pay, `census.second_positions: main` takes "
            "the best paid one instead of adding them up"
        )
    if without_birth_date / people > _SHARE_INVENTED:
        yield (
            f"{without_birth_date:,} people ({without_birth_date / people:.0%}) have no birth "
            "date: their ages are invented"
        )
    if without_level / people > _SHARE_INVENTED:
        yield (
            f"{without_level:,} people ({without_level / people:.0%}) have no level: theirs is "
            "invented from their pay"
        )
    yield from _hire_pay(connection, opening_date, hire_pay_percentile, bands)


def _hire_pay(
    connection: duckdb.DuckDBPyConnection, opening_date: date, percentile: float, bands: PayBands
) -> Iterator[str]:
    ((joiners, mean_pay, mean_hire_pay),) = connection.execute(
        _JOINERS,
        {
            "levels": list(bands),
            "from": [low for low, _ in bands.values()],
            "to": [top for _, top in bands.values()],
            "opening_date": opening_date,
            "percentile": percentile,
        },
    ).fetchall()
    if joiners >= _LEAST_JOINERS and abs(mean_hire_pay / mean_pay - 1) > _HIRE_PAY_DISTANCE:
        yield (
            f"hires of the levels of the {joiners:,} people who joined in the last year would be "
            f"paid {mean_hire_pay:,.0f} on average by the bands, they are paid {mean_pay:,.0f}"
        )
