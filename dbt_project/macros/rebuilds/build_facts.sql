{#-
    One query of all that decides whether a table is out of date: its `columns` in the database and those `declared`, name -> type; the hash of
    the definition of each of the `views` it reads; and the `builds` of the table and of the incremental models it reads, as recorded. The
    name of the raw table is left out of a view's definition, so that renaming a source rebuilds nothing.
-#}
{% macro build_facts(node, upstream) %}
    {%- set models = [node.alias] + upstream.models | map(attribute='alias') | list -%}
    {%- set query -%}
        select jsonb_build_object(
            'is_there', to_regclass({{ dbt.string_literal(dbt.escape_single_quotes(node.relation_name)) }}) is not null,
            'columns', {{ column_types(node.relation_name) }},
            'declared', {{ declared_types(node, upstream.views) }},
            'views', (
                select jsonb_object_agg(
                    views.name,
                    md5(regexp_replace(pg_get_viewdef(views.relation), '\mraw\.("[^"]+"|\w+)', 'raw', 'g'))
                )
                from (
                    values (null::text, null::regclass)
                    {%- for view in upstream.views -%}
                    , ('{{ view.alias }}', to_regclass({{ dbt.string_literal(dbt.escape_single_quotes(view.relation_name)) }}))
                    {%- endfor %}
                ) as views (name, relation)
                where views.relation is not null
            ),
            'builds', (
                select jsonb_object_agg(builds.model, to_jsonb(builds))
                from intermediate.model_builds as builds
                where builds.model in ('{{ models | join("', '") }}')
            )
        )::text as facts
    {%- endset -%}
    {{ return(fromjson(run_query(query).rows[0][0])) }}
{% endmacro %}
