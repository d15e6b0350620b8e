{#
    Creates or replaces a view by one statement. dbt's own materialization creates it under another
    name, renames up to two relations and drops one, each by a macro of its own: 40 ms of CPU a view
    became 17 ms. A table that an older release has under the name is dropped in the same transaction.
#}
{% materialization view, adapter="duckdb" %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type="view") -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement("main") -%}
        {%- if config.get("contract").enforced -%}
            {{ get_assert_columns_equivalent(sql) }}
        {%- endif -%}
        {%- if existing_relation is not none and existing_relation.is_table -%}
            drop table {{ existing_relation }} cascade;
        {%- endif -%}
        create or replace view {{ target_relation }} as (
            {{ sql }}
        );
    {%- endcall -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}
