{#- The outcomes a landed document can have; the first one whose condition is met applies. -#}
{% macro outcome_names() %}
    {{ return(['undone', 'uncastable', 'duplicate', 'superseded', 'filtered', 'current']) }}
{% endmacro %}
