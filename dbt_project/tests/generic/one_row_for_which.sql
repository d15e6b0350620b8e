{#
    Fails unless the model has exactly one row and the expression is true for it. For tables
    that are cross joined: a second row would double everybody.
#}
{% test one_row_for_which(model, expression) %}

select
    count(*) as row_count,
    count(*) filter (where coalesce({{ expression }}, false)) as rows_that_hold
from {{ model }}
having not (count(*) = 1 and count(*) filter (where coalesce({{ expression }}, false)) = 1)

{% endtest %}
