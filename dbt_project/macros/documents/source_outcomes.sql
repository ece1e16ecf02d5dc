{% macro source_outcomes(source_name) -%}
    select
        '{{ source_name }}' as source,
        document_key,
        outcome,
        outcome_reason as reason,
        document_version::text as document_version,
        _batch_id,
        _position,
        _fingerprint,
        surviving_batch_id,
        surviving_position
    from {{ ref('int_' ~ source_name ~ '_deduplicated') }}
{%- endmacro %}
