{#
    The threshold t at which the chances to leave add up to the plan: the sum over `cells`, a list
    of structs in a fixed order, of employees x (p + (1 - p) x (1 - exp(-weight x t))), where p is
    the chance to retire. Newton's steps from 0 approach it from below, because the sum is concave;
    40 of them reach the last digits. Where more retire than the plan lets leave, or where nobody is
    at risk, t is 0.
#}
{% macro leaving_threshold(cells, plan) -%}
    list_reduce(
        list_transform(range(0, 40), lambda step: 0.0::double),
        lambda t, step: greatest(
            t,
            t + ({{ plan }} - list_sum(list_transform({{ cells }}, lambda cell: cell.employees * (
                cell.retirement
                + (1 - cell.retirement) * (1 - exp(-cell.weight * t))
            )))) / nullif(list_sum(list_transform({{ cells }}, lambda cell: cell.employees
                * (1 - cell.retirement) * cell.weight * exp(-cell.weight * t))), 0)
        ),
        0.0::double
    )
{%- endmacro %}
