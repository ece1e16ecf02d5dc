{#- The current documents of a source with their values as they landed. -#}
{% macro current_documents(source_relation, documents) -%}
    select
        landed._batch_id,
        landed._position,
        landed.document
    from {{ source_relation }} as landed
    inner join {{ documents }} as outcomes
        on landed._batch_id = outcomes._batch_id and landed._position = outcomes._position
    where outcomes.outcome = 'current'
{%- endmacro %}
