{% macro foreign_key_name(table, columns) %}
    {#- A hash where the readable name could be another key's: several columns, or a name that PostgreSQL would cut. -#}
    {%- set readable = 'fk_' ~ table ~ '__' ~ columns[0] -%}
    {%- if columns | length > 1 or readable.encode('utf-8') | length > 63 -%}
        {%- set readable = 'fk_' ~ local_md5(tojson([table] + columns)) -%}
    {%- endif -%}
    {{ return(readable) }}
{% endmacro %}
