{#-
    An on-run-end hook: deletes the undone documents of each deduplicated model once every model that has processed their
    batch has processed its undoing, too, and the erased ones once every model of the project has processed the erasure.
-#}
{% macro forget_undone_documents() %}
    {%- if execute and flags.WHICH in ['run', 'build'] %}
    {%- set models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | list %}
    {%- for node in models if 'deduplicated' in node.fqn %}
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
    delete from {{ node.schema }}.{{ node.alias }} as documents
    where documents.outcome = 'undone'
        and documents._batch_id = any(array(
            select erasures.erasure_id
            from ledger.erasures
            where erasures.source = '{{ source_of(node.alias) | trim }}'
                and not exists (
                    select from ledger.erased_documents as erased
                    inner join intermediate.processed_batches as processed on erased.batch_id = processed.batch_id
                    where erased.erasure_id = erasures.erasure_id
                        and processed.model in ('{{ models | map(attribute="alias") | join("', '") }}')
                        and not exists (
                            select from intermediate.processed_batches as later
                            where later.model = processed.model and later.batch_id = erasures.erasure_id
                        )
                )
        ));
    {%- endif %}
    {%- endfor %}
    {%- endif %}
{% endmacro %}
