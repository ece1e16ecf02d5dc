{#-
    An on-run-end hook: deletes the undone documents of each deduplicated model once every model that has processed their
    batch has processed its undoing, too.
-#}
{% macro forget_undone_documents() %}
    {%- if execute and flags.WHICH in ['run', 'build'] %}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and 'deduplicated' in node.fqn %}
    {%- if adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) %}
    delete from {{ node.schema }}.{{ node.alias }} as documents
    where documents.outcome = 'undone'
        and documents._batch_id in (select undone.batch_id from ledger.undone_batches as undone)
        and not exists (
            select from ledger.undone_batches as undone
            inner join intermediate.processed_batches as processed on undone.batch_id = processed.batch_id
            where undone.batch_id = documents._batch_id
                and not exists (
                    select from intermediate.processed_batches as later
                    where later.model = processed.model and later.batch_id = undone.undo_id
                )
        );
    {%- endif %}
    {%- endfor %}
    {%- endif %}
{% endmacro %}
