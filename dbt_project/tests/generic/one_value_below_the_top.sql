{#
    Fails unless the seed has exactly one row for every `key` of the model `to`, no row beside
    them, and a value that is 0 for the highest key and above zero for all others.
#}
{% test one_value_below_the_top(model, column_name, key, to) %}

select
    coalesce(expected.{{ key }}, given.{{ key }}) as {{ key }},
    count(given.{{ key }}) as times_given,
    min(given.{{ column_name }}) as lowest_value
from (select distinct {{ key }}, max({{ key }}) over () as top from {{ to }}) as expected
full outer join {{ model }} as given
    on expected.{{ key }} = given.{{ key }}
group by coalesce(expected.{{ key }}, given.{{ key }})
having not coalesce(count(expected.{{ key }}) = 1 and count(given.{{ key }}) = 1
    and (min(given.{{ column_name }}) > 0) = (max(expected.{{ key }}) < max(expected.top))
    and min(given.{{ column_name }}) >= 0, false)

{% endtest %}
