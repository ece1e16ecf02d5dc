{#- The outcomes a landed document can have; the first whose condition is met in `deduplicated_documents` is the one. -#}
{% macro outcome_names() %}
    {{ return(['uncastable', 'duplicate', 'superseded', 'filtered', 'current']) }}
{% endmacro %}
