{#- The columns that the contract of a model declares, name -> type; empty if there is none. -#}
{% macro declared_columns(node) %}
    {%- set declared = {} -%}
    {%- if node.config.contract.enforced -%}
        {%- for column in node['columns'].values() if column.data_type -%}
            {%- do declared.update({column.name if column.quote else column.name | lower: column.data_type}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(declared) }}
{% endmacro %}
