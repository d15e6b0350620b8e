{#
    The number of the simulated year that a day lies in: that of the calendar year in which the
    simulated year ends. `first_day` and `number` are those of one simulated year; all others
    begin on the same day of the calendar.

    As the simulated year ends with its last day, the completed years since a day, on the last day
    of year n, are n less the number of the day's year.
#}
{% macro year_number(day, first_day, number) -%}
    (
        year({{ day }}) + ({{ number }} - year({{ first_day }})) * (
            month({{ day }}) * 100 + day({{ day }})
            >= month({{ first_day }}) * 100 + day({{ first_day }})
        )::integer
    )
{%- endmacro %}
