"""The reasons for rejecting a row of a census, in the order in which they are checked."""

# A row of the census is rejected once, for the first of these reasons that applies. A duplicate is
# a row with the employee_id of an earlier row, whatever the verdict on the earlier one.
REASONS = (
    "malformed_line",
    "missing_employee_id",
    "duplicate_employee_id",
    "reserved_employee_id",
    "missing_hire_date",
    "unparseable_hire_date",
    "hire_date_before_1900",
    "future_hire_date",
    "missing_annual_compensation",
    "unparseable_annual_compensation",
    "negative_annual_compensation",
    "zero_annual_compensation",
    "unparseable_birth_date",
    "birth_date_before_1900",
    "future_birth_date",
    "birth_date_after_hire",
    "invalid_level",
    "unparseable_termination_date",
    "future_termination_date",
    "termination_before_hire",
)

# How text is read. Surrounding blanks are ignored, including the no-break space of spreadsheets.
MACROS = r"""
create or replace temp macro census_text(content) as
    nullif(trim(content, ' ' || chr(9) || chr(10) || chr(13) || chr(160)), '');

-- DuckDB takes `infinity` for a date, hence the digit. In a format without separators, %Y%m%d,
-- 2014112 could be two dates, so there the digits have to be complete.
create or replace temp macro census_date(content, format) as
    case
        when regexp_matches(content, '[0-9]')
            and (
                not regexp_matches(format, '%[a-zA-Z]%')
                or lower(strftime(try_strptime(content, format), format)) = lower(content)
            )
            then try_strptime(content, format)::date
    end;

-- 56000, 56000.00, 56,000 and $56,000.00. Of 56.000 nobody can tell whether the point stands
-- before decimals or between thousands.
create or replace temp macro census_money(content) as
    case
        when
            regexp_full_match(
                content, '[+-]?(\$ ?)?([0-9]{1,14}|[0-9]{1,3}(,[0-9]{3}){1,4})(\.[0-9]+)?'
            )
            and not regexp_full_match(content, '[+-]?(\$ ?)?[0-9]{1,3}\.[0-9]{3}')
            then try_cast(regexp_replace(content, '[+$ ,]', '', 'g') as decimal(16, 2))
    end;

create or replace temp macro census_whole_number(content) as
    case
        when regexp_full_match(content, '[0-9]{1,9}(\.0+)?')
            then split_part(content, '.', 1)::integer
    end;
"""

JUDGE = r"""
create or replace temp table census_verdicts as
with texts as (
    select
        row_number,
        malformed,
        census_text(employee_id) as employee_id,
        census_text(hire_date) as hire_date,
        census_text(annual_compensation) as annual_compensation,
        census_text(birth_date) as birth_date,
        census_text(level) as level,
        census_text(termination_date) as termination_date,
        census_text(department) as department
    from raw.census
    where scenario_id = $scenario_id
),

repeated as (
    select
        employee_id,
        min(row_number) as first_row
    from texts
    where employee_id is not null
    group by employee_id
    having count(*) > 1
),

parsed as (
    select
        texts.*,
        repeated.first_row,
        census_date(texts.hire_date, $hire_date_format) as hired_on,
        census_date(texts.birth_date, $birth_date_format) as born_on,
        census_date(texts.termination_date, $termination_date_format) as left_on,
        census_money(texts.annual_compensation) as pay,
        census_whole_number(texts.level) as level_number
    from texts
    left join repeated on texts.employee_id = repeated.employee_id
)

select
    row_number,
    employee_id,
    born_on,
    hired_on,
    left_on,
    level_number,
    department,
    pay,
    case
        when malformed is not null
            then {'reason': 'malformed_line', 'field': 'line', 'value': malformed}
        when employee_id is null
            then {'reason': 'missing_employee_id', 'field': 'employee_id', 'value': null}
        when row_number > first_row
            then {
                'reason': 'duplicate_employee_id',
                'field': 'employee_id',
                'value': employee_id || ' is in row ' || first_row
            }
        when regexp_full_match(employee_id, 'NH-[0-9]{4}-[0-9]{6,}')
            then {'reason': 'reserved_employee_id', 'field': 'employee_id', 'value': employee_id}
        when hire_date is null
            then {'reason': 'missing_hire_date', 'field': 'hire_date', 'value': null}
        when hired_on is null
            then {'reason': 'unparseable_hire_date', 'field': 'hire_date', 'value': hire_date}
        when hired_on < date '1900-01-01'
            then {'reason': 'hire_date_before_1900', 'field': 'hire_date', 'value': hire_date}
        when hired_on > $opening_date
            then {'reason': 'future_hire_date', 'field': 'hire_date', 'value': hire_date}
        when annual_compensation is null
            then {
                'reason': 'missing_annual_compensation',
                'field': 'annual_compensation',
                'value': null
            }
        when pay is null
            then {
                'reason': 'unparseable_annual_compensation',
                'field': 'annual_compensation',
                'value': annual_compensation
            }
        when pay < 0
            then {
                'reason': 'negative_annual_compensation',
                'field': 'annual_compensation',
                'value': annual_compensation
            }
        when pay = 0
            then {
                'reason': 'zero_annual_compensation',
                'field': 'annual_compensation',
                'value': annual_compensation
            }
        when birth_date is not null and born_on is null
            then {'reason': 'unparseable_birth_date', 'field': 'birth_date', 'value': birth_date}
        when born_on < date '1900-01-01'
            then {'reason': 'birth_date_before_1900', 'field': 'birth_date', 'value': birth_date}
        when born_on > $opening_date
            then {'reason': 'future_birth_date', 'field': 'birth_date', 'value': birth_date}
        when born_on >= hired_on
            then {'reason': 'birth_date_after_hire', 'field': 'birth_date', 'value': birth_date}
        when level is not null and (level_number between 1 and $top_level) is not true
            then {'reason': 'invalid_level', 'field': 'level', 'value': level}
        when termination_date is not null and left_on is null
            then {
                'reason': 'unparseable_termination_date',
                'field': 'termination_date',
                'value': termination_date
            }
        when left_on > $opening_date
            then {
                'reason': 'future_termination_date',
                'field': 'termination_date',
                'value': termination_date
            }
        when left_on < hired_on
            then {
                'reason': 'termination_before_hire',
                'field': 'termination_date',
                'value': termination_date
            }
    end as reject
from parsed
"""
