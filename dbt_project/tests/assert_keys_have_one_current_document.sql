-- The assumption behind every deduplication: a key has at most one document that counts.

select source, document_key, count(*) as current_documents
from {{ ref('document_outcomes') }}
where outcome in ('current', 'filtered')
group by source, document_key
having count(*) > 1
