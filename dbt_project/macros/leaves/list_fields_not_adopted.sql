{#-
    An on-run-end hook: lists the fields that are not adopted yet, for the books, the report and `waybill status`. Of each source whose
    documents this run has processed, the list is made again.
-#}
{% macro list_fields_not_adopted() %}
    {%- if execute and flags.WHICH in ['run', 'build'] %}
    create table if not exists intermediate.fields_not_adopted (
        source text not null,
        path text not null,
        documents bigint not null,
        first_document text not null,
        primary key (source, path)
    );
    {%- set declared = graph.sources.values() | selectattr('source_name', 'equalto', 'raw') | map(attribute='name') %}
    delete from intermediate.fields_not_adopted where source not in ('{{ declared | join("', '") }}');
    {%- for landed in graph.sources.values() if landed.source_name == 'raw' and landed.config.meta.get('carried') %}
    {%- for node in graph.nodes.values()
        if node.name == 'int_' ~ landed.name ~ '_deduplicated' and node.unique_id in selected_resources
        and adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) %}
    delete from intermediate.fields_not_adopted where source = '{{ landed.name }}';
    insert into intermediate.fields_not_adopted (source, path, documents, first_document)
    select '{{ landed.name }}', listed.path, listed.documents, listed.first_document
    from ({{ leaves_not_adopted(landed.name, landed.relation_name, node.relation_name) }}) as listed;
    {%- endfor %}
    {%- endfor %}
    {%- endif %}
{% endmacro %}
