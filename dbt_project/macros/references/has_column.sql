{#-
    A condition: a table is there, and has a column of the declared type. Of two marts that refer to each other, one may be rebuilt for
    another type of the key while the other one still has the old type: then the other one connects them when it is rebuilt.
-#}
{% macro has_column(table, column, type) -%}
    exists (
        select from pg_attribute
        where attrelid = to_regclass('{{ table }}') and attname = '{{ column }}' and not attisdropped
            {%- if type %} and atttypid = to_regtype('{{ type }}'){% endif %}
    )
{%- endmacro %}
