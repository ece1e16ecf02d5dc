{#-
    A value of the field by which a source withdraws documents is one that the declaration knows (`withdrawn_when`). A document
    with another value counts as not withdrawn, so a new word for it, or another spelling, would go unnoticed.
-#}
{% test known_withdrawals(model, source_name) %}
{{ config(severity='warn') }}
{%- set rule = source_declaration(source_name).get('withdrawn_when') if execute else none %}

select documents.document_key, {{ text_at('raw.document', rule['field']) if rule else 'null' }} as unknown_value
from {{ model }} as documents
inner join {{ source('raw', source_name) }} as raw
    on documents._batch_id = raw._batch_id and documents._position = raw._position
where documents.is_withdrawn is null

{% endtest %}
