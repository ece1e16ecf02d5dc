{#- The columns that `deduplicated_documents` adds to those of the staging view, name -> type. -#}
{% macro outcome_columns() %}
    {{ return({'outcome': 'text', 'outcome_reason': 'text', 'surviving_batch_id': 'uuid', 'surviving_position': 'bigint'}) }}
{% endmacro %}
