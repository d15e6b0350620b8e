{#- What somebody is paid from a day until the day before another at the rates of the year: before
    the promotion, before the raise, and after it. The row and the year are prefixes of columns. -#}
{% macro pay_of_days(row, year, first_day, day_after) -%}
(
    {{ row }}opening_compensation
    * greatest(0, least({{ day_after }}, {{ year }}promotion_date) - {{ first_day }})
    + {{ row }}compensation_after_promotion * greatest(
        0,
        least({{ day_after }}, {{ year }}raise_date)
        - greatest({{ first_day }}, {{ year }}promotion_date)
    )
    + {{ row }}annual_compensation
    * greatest(0, {{ day_after }} - greatest({{ first_day }}, {{ year }}raise_date))
) / {{ year }}days_in_year
{%- endmacro %}

{#- What an absence takes from the pay from a day on; 0 without one, or after it. -#}
{% macro unpaid_from(row, year, first_day) -%}
case
    when {{ row }}absence_until >= {{ first_day }}
        then round(
            (1 - {{ row }}absence_paid_share) * {{ pay_of_days(
                row,
                year,
                'greatest(' ~ row ~ 'absence_from, ' ~ first_day ~ ')',
                '(' ~ row ~ 'absence_until + 1)'
            ) }},
            2
        )::decimal(16, 2)
    else 0
end
{%- endmacro %}

{#- The days of an absence by the share that is not paid: of 10 days at a paid share of 0.4, 6. -#}
{% macro unpaid_days(row) -%}
coalesce(
    (1 - {{ row }}absence_paid_share) * ({{ row }}absence_until - {{ row }}absence_from + 1), 0
)
{%- endmacro %}
