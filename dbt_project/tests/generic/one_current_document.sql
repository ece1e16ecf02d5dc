{#- The assumption of every deduplication: a key has at most one document that is current, or current and withdrawn. -#}
{% test one_current_document(model) %}

select document_key, count(*) as current_documents
from {{ model }}
where outcome in ('current', 'filtered')
group by document_key
having count(*) > 1

{% endtest %}
