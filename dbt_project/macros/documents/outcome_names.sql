{#- The outcomes a landed document can have; `deduplicated_documents` assigns the first one whose condition is met. -#}
{% macro outcome_names() %}
    {{ return(['uncastable', 'duplicate', 'superseded', 'filtered', 'current']) }}
{% endmacro %}
