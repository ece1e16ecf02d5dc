{% macro record_consumed_batches() %}
    {%- if config.get('materialized') == 'incremental' -%}
    insert into intermediate.consumed_batches (model, batch_id)
    select '{{ this.identifier }}', batch_id from intermediate.frozen_batches
    on conflict do nothing
    {%- endif -%}
{% endmacro %}
