{#-
    A post-hook, inside the model's transaction: records from what the table was built. A table that was rebuilt because it was out of date
    gets another `build`, by which the models that read it find that they are out of date, too, in this run or a later one.
-#}
{% macro record_build() %}
    {%- set reason = rebuild_reason(model.unique_id) -%}
    {%- set rebuild = graph.nodes[model.unique_id].get('rebuild') if execute else none -%}
    {%- if rebuild and (reason or not (rebuild.is_there and rebuild.is_recorded)) -%}
    {%- set now = rebuild.now -%}
    insert into intermediate.model_builds as builds (model, build, columns, views, reading, upstream)
    values (
        '{{ this.identifier }}',
        '{{ no_build() }}',
        {{ dbt.string_literal(dbt.escape_single_quotes(tojson(now['columns']))) }},
        {{ dbt.string_literal(dbt.escape_single_quotes(tojson(now['views'].values() | sort))) }},
        {{ dbt.string_literal(dbt.escape_single_quotes(tojson(now.reading))) }},
        {{ dbt.string_literal(dbt.escape_single_quotes(tojson(now.upstream.values() | sort))) }}
    )
    on conflict (model) do update set
        build = {{ 'gen_random_uuid()' if reason else 'builds.build' }},
        columns = excluded.columns,
        views = excluded.views,
        reading = excluded.reading,
        upstream = excluded.upstream
    {%- endif -%}
{% endmacro %}
