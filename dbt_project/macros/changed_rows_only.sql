{#- Ends an incremental model: of `final`, the rows that the table does not hold already, so that nothing is rewritten. -#}
{% macro changed_rows_only(key) -%}
    {%- if execute and is_incremental() -%}
    {%- set columns = adapter.get_columns_in_relation(this) | map(attribute='name') | list -%}
    left join {{ this }} as standing on final.{{ key }} = standing.{{ key }}
    where standing.{{ key }} is null
        or (final.{{ columns | join(', final.') }})
        is distinct from (standing.{{ columns | join(', standing.') }})
    {%- endif -%}
{%- endmacro %}
