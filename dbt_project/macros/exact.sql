{#
    Shares are kept in whole millionths and headcounts are computed in whole numbers, because
    in binary floating point 1 / (1 - 0.9) is above 10 and would hire an eleventh person.
#}

{# The share of a headcount, rounded half up. #}
{% macro share_of(headcount, millionths) -%}
    ((2 * {{ headcount }} * {{ millionths }} + 1000000) // 2000000)
{%- endmacro %}


{# The smallest whole number not below numerator / denominator, both positive. #}
{% macro ceil_div(numerator, denominator) -%}
    (({{ numerator }} + {{ denominator }} - 1) // {{ denominator }})
{%- endmacro %}
