{#- dbt's own test returns the column alone, which is null: this returns what names the row. -#}
{% macro default__test_not_null(model, column_name) %}

select {{ row_name(column_name) }}
from {{ model }}
where {{ column_name }} is null

{% endmacro %}
