{#-
    An on-run-end hook: makes `intermediate.document_outcomes`, the view over all models int_<source>_outcomes that are in the
    project and in the database. It is not a model: a model would list the sources, and every run of one source would have
    to build the outcomes of all others. The view is replaced in place; only if its columns have changed, it is dropped and
    created again.
-#}
{% macro unite_outcomes() %}
    {%- if execute and flags.WHICH in ['run', 'build'] %}
    {%- set columns = 'source, document_key, outcome, reason, document_version, _batch_id, _position, _fingerprint, '
        ~ 'surviving_batch_id, surviving_position' -%}
    {%- set modelled = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- if node.name.startswith('int_') and node.name.endswith('_outcomes') -%}
            {%- do modelled.append("'" ~ node.schema ~ "." ~ node.alias ~ "'") -%}
        {%- endif -%}
    {%- endfor %}
do $outcomes$
declare
    united text;
begin
    perform pg_advisory_xact_lock(hashtext('waybill: document_outcomes'));
    select string_agg(format('select {{ columns }} from %s', to_regclass(modelled.name)), ' union all ' order by modelled.name)
    into united
    from unnest(array[{{ modelled | join(', ') }}]::text[]) as modelled (name)
    where to_regclass(modelled.name) is not null;
    united := coalesce(united, {{ no_outcomes() }});
    begin
        execute 'create or replace view intermediate.document_outcomes as ' || united;
    exception
        when invalid_table_definition then
            drop view intermediate.document_outcomes cascade;
            execute 'create view intermediate.document_outcomes as ' || united;
    end;
    {{ describe_outcomes() }}
end $outcomes$
    {%- endif %}
{% endmacro %}
