{% macro is_withdrawn(source_name, document='document') -%}
    {%- set rule = source_declaration(source_name).get('withdrawn_when') if execute else none -%}
    {%- if rule -%}
        {%- set values = [] -%}
        {%- for value in rule['values'] -%}{%- do values.append(value | string | replace("'", "''")) -%}{%- endfor -%}
        coalesce({{ present_text(source_name, text_at(document, rule['field'])) }} in ('{{ values | join("', '") }}'), false)
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}
