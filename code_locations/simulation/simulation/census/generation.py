"""Generates a plausible census of any size; size, seed and date determine the employees."""

import os
from datetime import date
from pathlib import Path

from shared_lib.warehouse.connection import open_memory
from simulation.census.columns.mapping import CensusError

# (lowest age at hire, years to the next band, percent of all), as in the seed new_hire_ages.csv
AGES_AT_HIRE = (
    (22, 3, 5),
    (25, 3, 15),
    (28, 4, 20),
    (32, 3, 25),
    (35, 5, 15),
    (40, 5, 10),
    (45, 5, 8),
    (50, 8, 2),
)

# (lowest pay, highest pay, percent of all), levels 1 to 5, pay as in the seed job_levels.csv
LEVELS = (
    (56_000, 80_000, 62),
    (81_000, 120_000, 22),
    (121_000, 160_000, 10),
    (161_000, 300_000, 5),
    (275_000, 500_000, 1),
)

# percent of all
DEPARTMENTS = {
    "Operations": 22,
    "Customer Service": 16,
    "Engineering": 14,
    "Sales": 12,
    "Manufacturing": 9,
    "Information Technology": 7,
    "Finance": 6,
    "Marketing": 5,
    "Human Resources": 3,
    "Supply Chain": 3,
    "Legal": 2,
    "Executive Office": 1,
}

_FORMATS = {".csv": "csv", ".parquet": "parquet"}

# Draws like the dbt macro `draw`: 52 bits of the MD5 number of a key.
_DRAW = """
create temp macro draw(key, employee, purpose) as
    ((md5_number(key || '|' || employee || '|' || purpose) & 4503599627370495)::double + 0.5)
    / 4503599627370496.0
"""

_EMPLOYEES = """
create temp table employees as
select
    'E' || lpad(number::varchar, greatest(7, length($size::varchar))::integer, '0') as employee_id
from range(1, $size + 1) as numbers(number)
"""

# Tenure falls off exponentially; it would average 6.5 years but for retirement at 67. The upper
# levels hold those with the most tenure, age and luck.
_CENSUS = """
create temp table census as
with drawn as (
    select
        employee_id,
        100 * draw($key, employee_id, 'age_at_hire') as age_percentile,
        floor(365 * draw($key, employee_id, 'birthday'))::integer as days_since_birthday,
        draw($key, employee_id, 'tenure') as tenure_draw,
        draw($key, employee_id, 'level') as level_draw,
        draw($key, employee_id, 'pay') as pay_draw,
        100 * draw($key, employee_id, 'department') as department_percentile
    from employees
),

aged as (
    select
        *,
        $youngest[1 + floor(age_percentile)::integer]
        + floor(
            (age_percentile - floor(age_percentile)) * $years[1 + floor(age_percentile)::integer]
        )::integer as age_at_hire
    from drawn
),

hired as (
    select
        *,
        -6.5 * ln(1 - tenure_draw * (1 - exp(-(66 - age_at_hire) / 6.5))) as tenure
    from aged
),

ranked as (
    select
        *,
        $as_of::date - floor(365.25 * tenure)::integer as hire_date,
        row_number() over (
            order by level_draw + tenure / 100 + (age_at_hire + tenure) / 150, employee_id
        ) as seniority
    from hired
),

leveled as (
    select
        *,
        $levels[1 + (100 * (seniority - 1) // $size)::integer] as level,
        -- triangular within the pay band, most often at four tenths of it
        case
            when pay_draw < 0.4 then sqrt(pay_draw * 0.4)
            else 1 - sqrt((1 - pay_draw) * 0.6)
        end as band_position
    from ranked
)

select
    employee_id,
    hire_date,
    round(
        $lowest_pay[level] + ($highest_pay[level] - $lowest_pay[level]) * band_position, -1
    )::decimal(16, 2) as annual_compensation,
    (hire_date - to_years(age_at_hire))::date - days_since_birthday as birth_date,
    level,
    $departments[1 + floor(department_percentile)::integer] as department
from leveled
order by employee_id
"""


def generate_census(path: Path, *, size: int, seed: int, as_of: date) -> None:
    """Write a census of `size` employees as at `as_of`, as CSV or Parquet by the suffix.

    The columns are those of a census: employee_id, hire_date, annual_compensation (dollars a
    year), birth_date, level and department. The file appears complete or not at all.

    Raises:
        CensusError: the suffix is unknown, the folder does not exist, or the size is below 1.
    """
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise CensusError(f"{path}: a census file is named .csv or .parquet, not {path.suffix!r}")
    if not path.parent.is_dir():
        raise CensusError(f"{path}: there is no such folder")
    if size < 1:
        raise CensusError(f"a census needs at least 1 employee, not {size}")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open_memory() as connection:
            connection.execute("set enable_progress_bar = false")
            connection.execute(_DRAW)
            connection.execute(_EMPLOYEES, {"size": size})
            connection.execute(_CENSUS, _distributions() | _request(size, seed, as_of))
            connection.execute(f"copy census to ? (format {kind})", [str(unfinished)])
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _request(size: int, seed: int, as_of: date) -> dict[str, object]:
    return {"size": size, "key": f"{seed}|census", "as_of": as_of}


def _distributions() -> dict[str, object]:
    """Return each distribution as 100 values, one for each percentile."""
    return {
        "youngest": [age for age, _, percent in AGES_AT_HIRE for _ in range(percent)],
        "years": [years for _, years, percent in AGES_AT_HIRE for _ in range(percent)],
        "levels": [
            level for level, (_, _, percent) in enumerate(LEVELS, start=1) for _ in range(percent)
        ],
        "lowest_pay": [lowest for lowest, _, _ in LEVELS],
        "highest_pay": [highest for _, highest, _ in LEVELS],
        "departments": [name for name, percent in DEPARTMENTS.items() for _ in range(percent)],
    }
