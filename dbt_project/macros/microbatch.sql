{#
    Replaces a scenario's year in one transaction, together with all that no longer follows from
    it: the scenario's later years, and years of another configuration or census. Overrides
    dbt-duckdb's strategy, which deletes the batch's period for every scenario and keeps the rest.
#}
{% macro duckdb__get_incremental_microbatch_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict["dest_columns"] | map(attribute="name")) -%}
    delete from {{ arg_dict["target_relation"] }}
    using (
        select distinct scenario_id, year_start, fingerprint
        from {{ arg_dict["temp_relation"] }}
    ) as batch
    where
        {{ arg_dict["target_relation"] }}.scenario_id = batch.scenario_id
        and (
            {{ arg_dict["target_relation"] }}.year_start >= batch.year_start
            or {{ arg_dict["target_relation"] }}.fingerprint <> batch.fingerprint
        );

    insert into {{ arg_dict["target_relation"] }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict["temp_relation"] }};
{%- endmacro %}
