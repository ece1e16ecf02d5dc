{#- The query of `document_outcomes`, as a text, while no source has outcomes. -#}
{% macro no_outcomes() -%}
    $none$
        select
            null::text as source,
            null::text as document_key,
            null::text as outcome,
            null::text as reason,
            null::text as document_version,
            null::uuid as _batch_id,
            null::bigint as _position,
            null::uuid as _fingerprint,
            null::uuid as surviving_batch_id,
            null::bigint as surviving_position
        where false
    $none$
{%- endmacro %}
