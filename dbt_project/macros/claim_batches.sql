{#-
    A pre-hook, inside the model's transaction: claims the batches that the models before this one hold and this one has
    not taken in. Claiming comes before reading, so whatever is claimed is seen; a transaction that fails claims nothing,
    and a second run of the same model waits for the first: what it wrote into a table that is being swapped out would be
    gone with it. Never a high-water mark: a batch that commits late is found
    however old its name is.
-#}
{% macro claim_batches(upstream=none) %}
    select pg_advisory_xact_lock(hashtext('waybill: {{ this.identifier }}'));
    insert into intermediate.consumed_batches (model, batch_id, consumed_at)
    select distinct '{{ this.identifier }}', available.batch_id, transaction_timestamp()
    {%- if upstream %}
    from intermediate.consumed_batches as available
    where available.model in ('{{ upstream | join("', '") }}')
    {%- else %}
    from intermediate.frozen_batches as available
    where available.source = '{{ this.identifier | replace("int_", "") | replace("_deduplicated", "") }}'
    {%- endif %}
    on conflict do nothing
{% endmacro %}
