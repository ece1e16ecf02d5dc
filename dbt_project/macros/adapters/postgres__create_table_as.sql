{#-
    dbt's own macro, which distributes a mart between creating and filling its table: see `distribute`. A table that stays on one node is
    created by dbt's macro.
-#}
{% macro postgres__create_table_as(temporary, relation, sql) %}
    {%- if temporary or not distribution_of(model) -%}
        {{ return(dbt.postgres__create_table_as(temporary, relation, sql)) }}
    {%- endif %}
    create table {{ relation }} {{ get_assert_columns_equivalent(sql) }} {{ get_table_columns_and_constraints() }};
    {{ distribute(relation) }}
    insert into {{ relation }} ({{ adapter.dispatch('get_column_names', 'dbt')() }})
    {{ get_select_subquery(sql) }};
{% endmacro %}
