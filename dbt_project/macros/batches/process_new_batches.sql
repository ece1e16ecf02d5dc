{#-
    A pre-hook, inside the model's transaction: adds to the processed batches of this model those that are new to it, which
    are the run batches of its source or, with `upstream`, the batches that the models upstream have processed. Recording
    comes before reading, so every recorded batch is read; a transaction that fails records nothing. A second run of the
    same model waits for the first, whose rows a table swap would otherwise drop. There is no high-water mark: a batch that
    commits late is found, however old its id is.
-#}
{% macro process_new_batches(upstream=none) %}
    {{- refuse_row_limits() }}
    select pg_advisory_xact_lock(hashtext('waybill: {{ this.identifier }}'));
    insert into intermediate.processed_batches (model, batch_id, processed_at)
    select distinct '{{ this.identifier }}', available.batch_id, transaction_timestamp()
    {%- if upstream %}
    from intermediate.processed_batches as available
    where available.model in ('{{ upstream | join("', '") }}')
    {%- else %}
    from intermediate.run_batches as available
    where available.source = '{{ source_of(this.identifier) }}'
    {%- endif %}
    on conflict do nothing
{% endmacro %}
