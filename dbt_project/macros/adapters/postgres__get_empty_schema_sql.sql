{#-
    dbt's own macro without its warning about columns of type numeric that have no precision. In PostgreSQL such a column keeps
    every digit: there is nothing that rounds.
-#}
{% macro postgres__get_empty_schema_sql(columns) %}
    {%- set untyped = [] -%}
    {%- for column in columns.values() if column['data_type'] is not defined -%}
        {%- do untyped.append(column['name']) -%}
    {%- endfor -%}
    {%- if untyped -%}{{ exceptions.column_type_missing(column_names=untyped) }}{%- endif %}
    select
        {%- for column in columns.values() %}
        cast(null as {{ column['data_type'] }}) as {{ adapter.quote(column['name']) if column.get('quote') else column['name'] }}
        {{- ',' if not loop.last }}
        {%- endfor %}
{% endmacro %}
