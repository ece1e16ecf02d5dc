{#-
    A subquery: the columns that the table of an incremental model has to have, as one object of name -> type, or null if nothing declares
    them. Deduplicated documents have those of their staging view, which is in the database already, and those of their outcome.
-#}
{% macro declared_types(node, views) -%}
    {%- set declared = tojson(declared_columns(node)) -%}
    {%- set staging = [] -%}
    {%- for view in views if 'deduplicated' in node.fqn and view.name == 'stg_' ~ source_of(node.name) | trim -%}
        {%- do staging.append(view.relation_name) -%}
    {%- endfor -%}
    {%- if staging -%}
    {{ column_types(staging[0]) }} || '{{ tojson(outcome_columns()) }}'
    {%- else -%}
    (
        select jsonb_object_agg(declared.name, format_type(to_regtype(declared.type), null))
        from jsonb_each_text({{ dbt.string_literal(dbt.escape_single_quotes(declared)) }}) as declared (name, type)
    )
    {%- endif -%}
{%- endmacro %}
