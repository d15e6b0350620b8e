{#
    Fails unless the seed has exactly one row for every `key` of the model `to`, no row beside
    them, and a value above zero in the tested column. A missing multiplier would drop people
    from the simulation; a multiplier of zero would make an exponential key infinite.
#}
{% test one_positive_value_for_each(model, column_name, key, to) %}

select
    coalesce(expected.{{ key }}, given.{{ key }}) as {{ key }},
    count(expected.{{ key }}) as times_expected,
    count(given.{{ key }}) as times_given,
    min(given.{{ column_name }}) as lowest_value
from (select distinct {{ key }} from {{ to }}) as expected
full outer join {{ model }} as given
    on expected.{{ key }} = given.{{ key }}
group by coalesce(expected.{{ key }}, given.{{ key }})
having not coalesce(count(expected.{{ key }}) = 1 and count(given.{{ key }}) = 1
    and min(given.{{ column_name }}) > 0, false)

{% endtest %}
