{#
    Fails for each group (or for the whole model) whose shares are not between 0 and 1 or do not
    add up to 1. The tolerance is one millionth, the last place that a share is kept in. A sum
    below 1 would drop those whose draw falls into the rest.
#}
{% test shares_sum_to_one(model, column_name, group_by=[], current_scenario=false) %}

select
    {% for column in group_by %}{{ column }},{% endfor %}
    sum({{ column_name }}) as total,
    min({{ column_name }}) as lowest_share
from {{ model }}
{% if current_scenario %}where scenario_id = {{ workforce.current_scenario() }}{% endif %}
{% if group_by %}group by {{ group_by | join(', ') }}{% endif %}
having not coalesce(
    abs(sum({{ column_name }}) - 1) < 0.000001
    and min({{ column_name }}) >= 0
    and count(*) = count({{ column_name }}),
    false
)

{% endtest %}
