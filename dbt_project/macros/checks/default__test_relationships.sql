{#- dbt's own test returns the value without its parent alone: this also returns what names the row. -#}
{% macro default__test_relationships(model, column_name, to, field) %}

select {{ row_name(column_name) }}
from {{ model }} as child
where child.{{ column_name }} is not null
    and not exists (select from {{ to }} as parent where parent.{{ field }} = child.{{ column_name }})

{% endmacro %}
