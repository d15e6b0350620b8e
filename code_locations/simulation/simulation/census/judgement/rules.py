"""What becomes of each row of a census: accepted, set aside or rejected, and for which reason."""

# A row of the census is rejected once, for the first of these reasons that applies. A duplicate is
# a row that has all its values in common with an earlier row of the same person. Rows of one
# identifier with two birth dates are no positions of one person. A spreadsheet rounds long
# identifiers, as in 1.23457E+14, so that they name nobody any more.
REASONS = (
    "malformed_line",
    "missing_employee_id",
    "duplicate_employee_id",
    "another_birth_date",
    "rounded_employee_id",
    "reserved_employee_id",
    "missing_hire_date",
    "unparseable_hire_date",
    "hire_date_before_1900",
    "missing_annual_compensation",
    "unparseable_annual_compensation",
    "negative_annual_compensation",
    "zero_annual_compensation",
    "unparseable_birth_date",
    "birth_date_before_1900",
    "future_birth_date",
    "birth_date_after_hire",
    "invalid_level",
    "invalid_fte",
    "unparseable_termination_date",
    "termination_before_hire",
)

# A row that is set aside is not wrong: it is no person, no person employed on the opening date, or
# another row of one who is. Each has a sentence for the people who read of it.
ASIDE = {
    "totals_row": "a row of totals",
    "repeated_header": "a repeated header",
    "empty_row": "an empty row",
    "footnote": "a footnote below the table",
    "left_before_start": "left by the opening date",
    "not_active": "not active, by the status",
    "hired_after_start": "hired after the opening date",
    "other_stint": "another stint of a person",
    "second_position": "a second position of a person",
}

# How text is read. Surrounding blanks are ignored, including the no-break space of spreadsheets.
MACROS = r"""
-- Most texts have none, which the first test shows in half the time.
create or replace temp macro census_text(content) as
    case
        when regexp_full_match(content, '[!-~]([ -~]*[!-~])?') then content
        else nullif(trim(content, ' ' || chr(9) || chr(10) || chr(13) || chr(160)), '')
    end;

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

-- What databases and spreadsheets write for no day at all.
create or replace temp macro census_is_no_day(day) as
    day in (
        date '0001-01-01',
        date '1753-01-01',
        date '1899-12-30',
        date '1899-12-31',
        date '1900-01-01'
    );

create or replace temp macro census_reject(reason, field, value) as
    {'reason': reason, 'field': field, 'value': value};

create or replace temp macro census_whole_number(content) as
    case
        when regexp_full_match(content, '[0-9]{1,9}(\.0+)?')
            then split_part(content, '.', 1)::integer
    end;
"""

# Each row by itself, with its values: why it is rejected or set aside whatever other rows there are
# of the person.
JUDGE = r"""
create or replace temp table census_verdicts as
with texts as (
    select
        row_number,
        malformed,
        cells,
        census_text(employee_id) as employee_id,
        hire_date,
        annual_compensation,
        birth_date,
        census_text(level) as level,
        termination_date,
        census_text(department) as department,
        status,
        fte,
        pay_basis,
        census_text(position) as position,
        census_text(job_family) as job_family
    from raw.census
    where scenario_id = $scenario_id
),

valued as (
    select
        texts.*,
        hired.day as hired_on,
        left_days.day as left_on,
        coalesce(hired.has_two_digits, false) as has_two_digit_hire,
        case
            when census_is_no_day(born.day) then null
            when born.has_two_digits and born.day >= hired.day
                then (born.day - to_years(100))::date
            else born.day
        end as born_on,
        born.is_none is false and census_is_no_day(born.day) is not true as has_birth_date,
        -- systems enter a day such as 9999-12-31 for people who have not left
        left_days.is_none is false
        and census_is_no_day(left_days.day) is not true
        and (left_days.day is null or left_days.day < date '2090-01-01') as has_left,
        amounts.cents as stated_pay,
        amounts.amount as exact_pay,
        coalesce(amount_bases.basis, bases.basis, $basis) as basis,
        shares.amount::double / $fte_unit as fte_share,
        coalesce(statuses.is_active, census_text(texts.status) is null) as is_active,
        census_whole_number(texts.level) as level_number
    from texts
    left join temp.census_hire_date as hired on texts.hire_date = hired.written
    left join temp.census_birth_date as born on texts.birth_date = born.written
    left join temp.census_termination_date as left_days
        on texts.termination_date = left_days.written
    left join temp.census_amounts_annual_compensation as amounts
        on texts.annual_compensation = amounts.written
    left join temp.census_amounts_fte as shares on texts.fte = shares.written
    left join temp.census_bases as amount_bases on amounts.basis_word = amount_bases.written
    left join temp.census_bases as bases on texts.pay_basis = bases.written
    left join temp.census_statuses as statuses on texts.status = statuses.written
),

paid as (
    select
        valued.* replace (case when has_left then left_on end as left_on),
        case
            when factors.factor = 1 and not $at_full_time then stated_pay
            else try_cast(
                exact_pay::double * factors.factor
                * case when $at_full_time then coalesce(fte_share, 1) else 1 end
                as decimal(16, 2)
            )
        end as pay
    from valued
    left join (
        select unnest($bases::varchar[]) as basis, unnest($factors::double[]) as factor
    ) as factors on valued.basis = factors.basis
),

judged as (
    select
        *,
        case
            -- the first test is quick, and no number passes it
            when regexp_matches(first_text, '[a-zA-Z]{3}|[^\x00-\x7F]')
                and regexp_matches(first_text, $totals_row, 'i')
                then 'totals_row'
            when employee_id is null
                and stated_pay >= if(census_text(hire_date) is null, $most_pay, $pay_in_all)
                then 'totals_row'
            -- in whatever language: what all others are paid, by nobody who was ever hired
            when census_text(hire_date) is null
                and abs(2 * stated_pay - $pay_in_all) < 0.01 * stated_pay
                then 'totals_row'
            when lower(employee_id) = lower($id_name)
                and lower(trim(hire_date)) = lower($hire_name)
                then 'repeated_header'
            when malformed is null and employee_id is null and cells is null then 'empty_row'
            when row_number <= $last_row then null
            when regexp_matches(first_text, $footnote, 'i')
                or (
                    hired_on is null
                    and regexp_matches(
                        regexp_extract(first_text, '^[^,;\t|]*'), $words_of_a_note
                    )
                )
                then 'footnote'
        end as no_person,
        case
            when malformed is not null
                then census_reject('malformed_line', 'line', malformed)
            when employee_id is null
                then census_reject('missing_employee_id', 'employee_id', null)
            when regexp_full_match(employee_id, '[0-9]([.,][0-9]+)?[eE]\+[0-9]{2,}')
                then census_reject('rounded_employee_id', 'employee_id', employee_id)
            when regexp_full_match(employee_id, 'NH-[0-9]{4}-(.+-)?[0-9]{6,}')
                then census_reject('reserved_employee_id', 'employee_id', employee_id)
            when hired_on is null and census_text(hire_date) is null
                then census_reject('missing_hire_date', 'hire_date', null)
            when hired_on is null
                then census_reject('unparseable_hire_date', 'hire_date', census_text(hire_date))
            when hired_on = date '1900-01-01'
                then census_reject('missing_hire_date', 'hire_date', census_text(hire_date))
            when hired_on < date '1900-01-01'
                then census_reject('hire_date_before_1900', 'hire_date', census_text(hire_date))
            when pay is null and census_text(annual_compensation) is null
                then census_reject('missing_annual_compensation', 'annual_compensation', null)
            when pay is null
                then census_reject(
                    'unparseable_annual_compensation',
                    'annual_compensation',
                    census_text(annual_compensation)
                )
            when pay < 0
                then census_reject(
                    'negative_annual_compensation',
                    'annual_compensation',
                    census_text(annual_compensation)
                )
            when pay = 0
                then census_reject(
                    'zero_annual_compensation',
                    'annual_compensation',
                    census_text(annual_compensation)
                )
            when has_birth_date and born_on is null
                then census_reject('unparseable_birth_date', 'birth_date', census_text(birth_date))
            when born_on < date '1900-01-01'
                then census_reject('birth_date_before_1900', 'birth_date', census_text(birth_date))
            when born_on > $opening_date
                then census_reject('future_birth_date', 'birth_date', census_text(birth_date))
            when born_on >= hired_on
                then census_reject('birth_date_after_hire', 'birth_date', census_text(birth_date))
            when level is not null and (level_number between 1 and $top_level) is not true
                then census_reject('invalid_level', 'level', level)
            -- systems enter 0 for people who are not active or have left
            when census_text(fte) is not null
                and (round(fte_share, 6) > 0 and fte_share <= 1) is not true
                and if(left_on is null, is_active, left_on > $day_before_start)
                then census_reject('invalid_fte', 'fte', fte)
            when has_left and left_on is null
                then census_reject(
                    'unparseable_termination_date',
                    'termination_date',
                    census_text(termination_date)
                )
            when left_on < hired_on
                then census_reject(
                    'termination_before_hire', 'termination_date', census_text(termination_date)
                )
    end as complaint
    from (
        select
            *,
            -- without the parser's reason
            coalesce(employee_id, cells, regexp_replace(malformed, '^[^:]*: ', '')) as first_text
        from paid
    )
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
    status,
    fte,
    pay_basis,
    position,
    job_family,
    try_cast(fte_share as decimal(7, 6)) as fte_share,
    case when no_person is null then complaint end as reject,
    case
        when no_person is not null then no_person
        when complaint is not null then null
        when hired_on > $opening_date then 'hired_after_start'
        when left_on <= $day_before_start then 'left_before_start'
        when not is_active and left_on is null then 'not_active'
    end as aside,
    case
        when no_person is not null then replace(first_text, chr(9), ' ')
        when hired_on > $opening_date then census_text(hire_date)
        when left_on <= $day_before_start then census_text(termination_date)
        when not is_active then census_text(status)
    end as detail
from judged
"""

# What becomes of the rows of people with several. Of those active on the opening date, the main one
# has the most pay; the sum adds that of the others to it, and takes the first hire date. Without
# one, the stint that ended last counts.
SEVERAL_ROWS = r"""
create or replace temp table census_several as
with repeated as (
    select employee_id
    from temp.census_verdicts
    where employee_id is not null
        and reject is null
        and coalesce(aside, '') not in ('totals_row', 'repeated_header')
    group by employee_id
    having count(*) > 1
),

of_people as (
    select
        verdicts.*,
        min(row_number) over (
            partition by
                employee_id, hired_on, left_on, pay, born_on, level_number, department, status,
                fte, pay_basis, position, job_family
        ) as same_as,
        first_value(row_number) over best_of_person as born_in_row,
        first_value(born_on) over best_of_person as main_born_on,
        coalesce(born_on <> main_born_on, false) as is_another
    from temp.census_verdicts as verdicts
    semi join repeated on verdicts.employee_id = repeated.employee_id
    where reject is null and coalesce(aside, '') not in ('totals_row', 'repeated_header')
    window best_of_person as (
        partition by employee_id
        order by born_on is null, aside is not null, pay desc, row_number
    )
),

compared as (
    select
        *,
        count(*) filter (aside is null) over (partition by employee_id, is_another) > 0
            as has_active,
        first_value(row_number) over (
            partition by employee_id, is_another
            order by aside is not null, pay desc, row_number
        ) as main_row,
        first_value(row_number) over (
            partition by employee_id, is_another
            order by aside is distinct from 'left_before_start', left_on desc, row_number
        ) as last_ended_row,
        sum(pay) filter (aside is null and same_as = row_number)
            over (partition by employee_id, is_another) as pay_in_all,
        sum(coalesce(fte_share, 1)) filter (aside is null and same_as = row_number)
            over (partition by employee_id, is_another) as fte_in_all,
        min(hired_on) filter (aside is null) over (partition by employee_id, is_another)
            as first_hired_on
    from of_people
)

select
    row_number,
    case
        when same_as < row_number then census_reject(
            'duplicate_employee_id',
            'employee_id',
            employee_id || ' is in row ' || same_as
        )
        when is_another then census_reject(
            'another_birth_date',
            'birth_date',
            born_on || ' of ' || employee_id || ', but '
            || main_born_on || ' in row ' || born_in_row
        )
    end as reject,
    case
        when same_as < row_number or is_another then null
        when aside = 'left_before_start' and (has_active or row_number <> last_ended_row)
            then 'other_stint'
        when aside is null and row_number <> main_row then 'second_position'
        else aside
    end as aside,
    case when aside is null and row_number <> main_row then pay::varchar else detail end as detail,
    case
        when $sums_positions and aside is null then pay_in_all::decimal(16, 2) else pay
    end as pay,
    case
        when $sums_positions and aside is null then first_hired_on else hired_on
    end as hired_on,
    coalesce(born_on, main_born_on) as born_on,
    -- two halves are a whole, and more than that is one too
    case
        when $sums_positions and aside is null then least(fte_in_all, 1) else fte_share
    end as fte_share
from compared
"""

APPLY_SEVERAL_ROWS = """
update temp.census_verdicts as verdicts
set
    reject = several.reject,
    aside = several.aside,
    detail = several.detail,
    pay = several.pay,
    hired_on = several.hired_on,
    born_on = several.born_on,
    fte_share = several.fte_share
from temp.census_several as several
where verdicts.row_number = several.row_number
"""
