{% macro source_of(model_name) -%}
    {{ model_name | replace('int_', '', 1) | replace('_deduplicated', '') | replace('_outcomes', '') }}
{%- endmacro %}
