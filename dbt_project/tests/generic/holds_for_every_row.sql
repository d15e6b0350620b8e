{#
    Fails for each row for which the expression is false or null.

    With `current_scenario` only the rows of the run's own scenario are read. A ledger keeps
    every scenario that was ever simulated, and those were tested when they were made.
#}
{% test holds_for_every_row(model, expression, current_scenario=false) %}

select *
from {{ model }}
where
    not coalesce({{ expression }}, false)
    {% if current_scenario %}
    and scenario_id = {{ workforce.current_scenario() }}
    {% endif %}

{% endtest %}
