{#-
    Stops the rebuild of deduplicated documents if a mart outside the selection has not processed yet that a batch was undone,
    or that documents were erased. The rebuilt table holds none of these documents, so the mart would not find the keys that have to change.
-#}
{% macro refuse_rebuild_before_undo() %}
    {%- set processed = adapter.get_relation(
        database=target.dbname, schema='intermediate', identifier='processed_batches'
    ) if execute else none -%}
    {%- if processed and flags.FULL_REFRESH and flags.WHICH in ['run', 'build'] -%}
        {%- set rebuilt, left_out = ["''"], ["''"] -%}
        {%- for name, node in graph.nodes.items() if node.resource_type == 'model' -%}
            {%- if name not in selected_resources -%}
                {%- do left_out.append("'" ~ node.alias ~ "'") -%}
            {%- elif 'deduplicated' in node.fqn -%}
                {%- do rebuilt.append("'" ~ source_of(node.alias) | trim ~ "'") -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set waiting = run_query(
            "select distinct processed.model from ("
            ~ "select undone.undo_id as removal_id, undone.batch_id from ledger.undone_batches as undone "
            ~ "union select erased.erasure_id, erased.batch_id from ledger.erased_documents as erased) as removed "
            ~ "inner join ledger.batches on removed.batch_id = batches.batch_id "
            ~ "inner join intermediate.processed_batches as processed on removed.batch_id = processed.batch_id "
            ~ "where batches.source in (" ~ rebuilt | join(', ') ~ ") and processed.model in (" ~ left_out | join(', ')
            ~ ") and not exists (select from intermediate.processed_batches as later "
            ~ "where later.model = processed.model and later.batch_id = removed.removal_id) order by 1"
        ).columns[0].values() -%}
        {%- if waiting -%}
            {{ exceptions.raise_compiler_error(
                "batches were undone or documents erased, and " ~ waiting | join(', ') ~ " still have their rows: run dbt without --full-refresh "
                ~ "first, or rebuild these models, too"
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
