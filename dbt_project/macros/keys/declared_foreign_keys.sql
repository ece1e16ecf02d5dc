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
    {%- for reference in references_of(node) if [reference.column] not in found | map(attribute='columns') | list -%}
        {%- do found.append(
            {'columns': [reference.column], 'to': reference.table, 'to_columns': [reference.key],
            'is_reference': true, 'key_type': reference.key_type}
        ) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
