{#- Missing values: a text that is empty, blank or says NA is no value. -#}
{% macro present_text(expression) -%}
    nullif(nullif(trim({{ expression }}), ''), 'NA')
{%- endmacro %}
