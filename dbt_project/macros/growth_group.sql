{# The place of a department or job family among those with a target of their own, 0 for the others. #}
{% macro growth_group(plan, department, job_family) -%}
    coalesce(
        list_position({{ plan }}.growth_departments, {{ department }}),
        list_position({{ plan }}.growth_job_families, {{ job_family }}),
        0
    )
{%- endmacro %}
