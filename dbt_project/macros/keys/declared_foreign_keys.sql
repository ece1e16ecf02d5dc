{#- `expression: on delete cascade` says that a row is a part of the row it refers to, and goes with it. -#}
{% macro declared_foreign_keys(node) %}
    {%- set found = [] -%}
    {%- for constraint in node['constraints'] if constraint.type == 'foreign_key' -%}
        {%- do found.append({'columns': constraint.columns, 'to': constraint.to, 'to_columns': constraint.to_columns,
            'action': constraint.expression}) -%}
    {%- endfor -%}
    {%- for name, column in node['columns'].items() -%}
        {%- for constraint in column.get('constraints', []) if constraint.type == 'foreign_key' -%}
            {%- do found.append({'columns': [name], 'to': constraint.to, 'to_columns': constraint.to_columns,
            'action': constraint.expression}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
