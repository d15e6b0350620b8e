{#
    Relations without the name of the database, which is that of the file: a view that named it
    would find nothing after the file was copied or renamed. dbt-duckdb opens one file.
#}
{% macro ref() -%}
    {%- do return(builtins.ref(*varargs, **kwargs).include(database=false)) -%}
{%- endmacro %}


{% macro source() -%}
    {%- do return(builtins.source(*varargs, **kwargs).include(database=false)) -%}
{%- endmacro %}
