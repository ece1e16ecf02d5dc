{#-
    Promise P9, on the mart of a source: the fields of current documents that are not adopted yet. The loader has reported them as drift,
    since the contract does not name them, and no path of the declaration does. They stay in the raw table until they are adopted.
-#}
{% test leaves_adopted(model, source_name, documents) %}
{{ config(severity='warn') }}
{%- set landed = source('raw', source_name) -%}
{%- if not execute %}
select 1 from {{ documents }} limit 0
{%- else %}

select
    *,
    'waybill adopt {{ source_name }} ' || not_adopted.path || ' if `waybill new` made the files of the source; else add it to the '
    || 'contract, the staging model, a mart and `carried`, or to `left_out`' as adopt
from ({{ leaves_not_adopted(source_name, landed, documents) }}) as not_adopted
{%- endif %}

{% endtest %}
