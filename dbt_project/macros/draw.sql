{#
    A uniform draw in the open interval (0, 1) that depends on nothing but its key:
    seed and year (`draw_key`), the employee and the purpose. The scenario is not part of it, so
    that two scenarios differ only by what they change. The same key gives the same number on any
    thread count and DuckDB release; `hash()` would not.

    52 bits of the MD5 number are kept, so that adding one half is exact and neither 0 nor 1
    can occur. A mask rather than a modulo: on 128-bit numbers `%` costs 4.2 s for a million
    rows, `&` 0.13 s. And concat(), which takes a sixth less than `||`. A draw behind `and` is
    computed for every row, one behind `case when` only where it counts.
#}
{% macro draw(draw_key, employee, purpose) -%}
    (((md5_number(concat({{ draw_key }}, '|', {{ employee }}, '|{{ purpose }}')) & 4503599627370495)::double + 0.5)
    / 4503599627370496.0)
{%- endmacro %}


{#
    The key of weighted sampling without replacement: the smallest keys win, and a row's
    chance is in proportion to its weight (Efraimidis and Spirakis, 2006).
#}
{% macro exponential_key(uniform, weight) -%}
    (-ln({{ uniform }}) / {{ weight }})
{%- endmacro %}


{#
    The one of `outcomes` that a uniform draw falls on; `bounds` are the upper ends of their
    shares of (0, 1), in the same order. A join by range would sort a million draws first, which
    takes 0.7 s against 0.1 s. Give the draw as a column: it is read once for each outcome.
#}
{% macro outcome_of(draw, outcomes, bounds) -%}
    {{ outcomes }}[1 + len(list_filter({{ bounds }}, lambda bound: bound <= {{ draw }}))]
{%- endmacro %}
