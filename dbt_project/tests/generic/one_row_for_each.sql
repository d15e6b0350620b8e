{# Fails for values of the columns, taken together, that several rows have. #}
{% test one_row_for_each(model, columns) %}

select {{ columns | join(", ") }}
from {{ model }}
group by all
having count(*) > 1

{% endtest %}
