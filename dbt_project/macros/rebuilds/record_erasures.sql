{#-
    An on-run-end hook, after `delete_unused_rows`: records the erasures for which models that do not process batches were rebuilt in
    this run. An erasure is recorded if the run has built everything between its source and the model, and if no mart that the model
    reads has lost rows since: else the next run rebuilds the model again.
-#}
{% macro record_erasures(results) %}
    {%- if execute and flags.WHICH in ['run', 'build'] %}
    {%- for result in results if result.status == 'success' and result.node.resource_type == 'model' %}
    {%- set node = graph.nodes[result.node.unique_id] %}
    {%- if node.config.materialized == 'incremental' and not follows_batches(node) %}
    {%- set upstream, models = all_upstream_of(node), ["''"] %}
    {%- for name in upstream if name in graph.nodes %}{% do models.append("'" ~ graph.nodes[name].alias ~ "'") %}{% endfor %}
    {%- for source_name in upstream if source_name in graph.sources %}
    {%- set left_out = [] %}
    {%- for name in upstream if name in graph.nodes and name not in selected_resources
        and source_name in all_upstream_of(graph.nodes[name]) %}
    {%- do left_out.append(name) %}
    {%- endfor %}
    {%- if not left_out %}
    insert into intermediate.rebuilt_for (model, erasure_id)
    select '{{ node.alias }}', erasures.erasure_id
    from ledger.erasures
    inner join intermediate.run_batches on erasures.erasure_id = run_batches.batch_id
    where erasures.source = '{{ graph.sources[source_name].name }}'
        and (run_batches.added_by = '{{ invocation_id }}' or run_batches.added_at <= '{{ run_started_at }}')
        and not exists (
            select from intermediate.rows_deleted
            where rows_deleted.mart in ({{ models | unique | join(', ') }}) and rows_deleted.deleted_at >= '{{ run_started_at }}'
        )
    on conflict do nothing;
    {%- endif %}
    {%- endfor %}
    {%- endif %}
    {%- endfor %}
    {%- endif %}
{% endmacro %}
