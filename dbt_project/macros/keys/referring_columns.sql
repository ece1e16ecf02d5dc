{#-
    A join with the columns of each foreign key in `foreign_keys` (pg_constraint): `pairs.child_columns` are those of the table that refers,
    and `pairs.refers` is the condition by which its row, `child`, refers to a row of the other one.
-#}
{% macro referring_columns(parent) -%}
cross join lateral (
    select
        string_agg(quote_ident(children.attname), ', ') as child_columns,
        string_agg(format('child.%I = {{ parent }}.%I', children.attname, parents.attname), ' and ') as refers
    from unnest(foreign_keys.conkey, foreign_keys.confkey) as columns (child, parent)
    inner join pg_attribute as children
        on foreign_keys.conrelid = children.attrelid and columns.child = children.attnum
    inner join pg_attribute as parents
        on foreign_keys.confrelid = parents.attrelid and columns.parent = parents.attnum
) as pairs
{%- endmacro %}
