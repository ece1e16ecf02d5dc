{#- dbt's own test returns the values that are not accepted, with their number: this returns what names each row. -#}
{% macro default__test_accepted_values(model, column_name, values, quote=True) %}
{%- set quotes = "'" if quote else "" -%}
{%- set accepted = [] -%}
{%- for value in values -%}
    {%- do accepted.append(quotes ~ (value | string | replace("'", "''")) ~ quotes) -%}
{%- endfor %}

select {{ row_name(column_name) }}
from {{ model }}
where {{ column_name }} not in ({{ accepted | join(', ') }})

{% endmacro %}
