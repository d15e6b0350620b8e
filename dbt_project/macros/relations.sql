{#
    Relations without the name of the database, which is that of the file: a view that named it
    would find nothing after the file was copied or renamed. dbt-duckdb opens one file.
    dbt Core 2 does not limit what an overridden ref() returns to the batch, as 1.11 does.
#}
{% macro ref() -%}
    {%- set relation = builtins.ref(*varargs, **kwargs).include(database=false) -%}
    {%- if dbt_version.startswith("1.") or not execute or not (model.batch or {}).id -%}
        {%- do return(relation) -%}
    {%- endif -%}
    {%- set node = graph.nodes.get("model." ~ project_name ~ "." ~ relation.identifier) or {} -%}
    {%- set event_time = (node.config or {}).event_time -%}
    {%- if not event_time -%}
        {%- do return(relation) -%}
    {%- endif -%}
    {%- do return(
        "(select * from " ~ relation ~ " where " ~ event_time ~ " >= '" ~ model.batch.event_time_start
        ~ "' and " ~ event_time ~ " < '" ~ model.batch.event_time_end ~ "')"
    ) -%}
{%- endmacro %}


{% macro source(source_name, table_name) -%}
    {%- do return(builtins.source(source_name, table_name).include(database=false)) -%}
{%- endmacro %}
