{#- A text without blanks around it, or null if the source declares it as missing. -#}
{% macro present_text(source_name, expression) -%}
    {%- set missing = source_declaration(source_name)['missing_texts'] if execute else [''] -%}
    {%- for text in missing -%}nullif({%- endfor -%}
    trim({{ expression }})
    {%- for text in missing -%}, '{{ text | replace("'", "''") }}'){%- endfor -%}
{%- endmacro %}
