{#-
    Whether the loader has reported an unknown path as drift when the document landed: the path, one above it, or, in a batch with more
    unknown fields than the ledger names one by one, any.
-#}
{% macro is_drift(unknown) -%}
    exists (
        select from ledger.drift as drift
        where drift.batch_id = {{ unknown }}._batch_id
            and (
                drift.pointer in ({{ unknown }}.path, '/… more fields')
                or starts_with({{ unknown }}.path, drift.pointer || '/')
            )
    )
{%- endmacro %}
