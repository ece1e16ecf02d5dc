{#- The text of a field: without the blanks around it if the source declares so, and null if the source declares it missing. -#}
{% macro present_text(source_name, pointer, expression) -%}
    {%- set missing = declared_at(source_name, 'missing_texts', pointer) if execute else [] -%}
    {%- set trimmed = declared_at(source_name, 'trimmed', pointer) if execute else false -%}
    {%- for text in missing -%}nullif({%- endfor -%}
    {%- if trimmed -%}btrim({{ expression }}, e' \t\r\n'){%- else -%}{{ expression }}{%- endif -%}
    {%- for text in missing -%}, '{{ text | replace("'", "''") }}'){%- endfor -%}
{%- endmacro %}
