{#
    The scenario of the run, as a literal for the tests of data that keeps every scenario.

    DuckDB pushes a literal down through the marts' unions and aggregates to the ledger's
    zone maps, but not a join or subquery: with six scenarios of 100,000 employees that made
    9.3 s of tests out of 2.1 s. Only a build or a test knows a run; else the literal is empty.
#}
{% macro current_scenario() -%}
    {%- set run = ref('stg_simulation_run') -%}
    {%- set scenario_id = '' -%}
    {%- if execute and flags.WHICH in ['build', 'test'] -%}
        {%- set scenario_id = run_query('select scenario_id from ' ~ run).rows[0][0] -%}
    {%- endif -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(scenario_id)) }}
{%- endmacro %}
