{#- A subquery: the columns of a table or view, as one object of name -> type without length or precision. -#}
{% macro column_types(relation) -%}
    (
        select jsonb_object_agg(attributes.attname, format_type(attributes.atttypid, null))
        from pg_attribute as attributes
        where attributes.attrelid = to_regclass({{ dbt.string_literal(dbt.escape_single_quotes(relation)) }})
            and attributes.attnum > 0
            and not attributes.attisdropped
    )
{%- endmacro %}
