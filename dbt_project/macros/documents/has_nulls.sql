{#- Whether a source declares `tombstone: delete`: then messages without a value are landed, as jsonb null. -#}
{% macro has_nulls(source_name) %}
    {{ return(execute and source_declaration(source_name).get('tombstone') == 'delete') }}
{% endmacro %}
