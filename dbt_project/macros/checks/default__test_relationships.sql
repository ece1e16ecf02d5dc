{#-
    dbt's own test returns the value without its parent alone: this also returns what names the row. A parent that has not been
    built yet has no rows to compare with.
-#}
{% macro default__test_relationships(model, column_name, to, field) %}

select {{ row_name(column_name) }}
from {{ model }} as child
where child.{{ column_name }} is not null
    {%- if execute and not load_relation(to) %}
    and false
    {%- else %}
    and not exists (select from {{ to }} as parent where parent.{{ field }} = child.{{ column_name }})
    {%- endif %}

{% endmacro %}
