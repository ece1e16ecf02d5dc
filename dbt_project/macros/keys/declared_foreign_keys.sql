{% macro declared_foreign_keys(node) %}
    {%- set found = [] -%}
    {%- for constraint in node['constraints'] if constraint.type == 'foreign_key' -%}
        {%- do found.append({'columns': constraint.columns, 'to': constraint.to, 'to_columns': constraint.to_columns}) -%}
    {%- endfor -%}
    {%- for name, column in node['columns'].items() -%}
        {%- for constraint in column.get('constraints', []) if constraint.type == 'foreign_key' -%}
            {%- do found.append({'columns': [name], 'to': constraint.to, 'to_columns': constraint.to_columns}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
