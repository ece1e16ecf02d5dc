{#-
    Creates the table that says from what each incremental table was built. Tables that are older than it are listed without their columns
    and views, which are not known: so they count as current until something changes.
-#}
{% macro make_build_records() %}
do $records$
begin
    if to_regclass('intermediate.model_builds') is null then
        create table intermediate.model_builds (
            model text primary key,
            build uuid not null,
            columns jsonb,
            views jsonb,
            reading jsonb,
            upstream jsonb
        );
        insert into intermediate.model_builds (model, build)
        select earlier.model, '{{ no_build() }}'
        from (
            values (null, null)
            {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'incremental' -%}
            , ('{{ node.alias }}', {{ dbt.string_literal(dbt.escape_single_quotes(node.relation_name)) }})
            {%- endfor %}
        ) as earlier (model, relation)
        where to_regclass(earlier.relation) is not null;
    end if;
end $records$;
{% endmacro %}
