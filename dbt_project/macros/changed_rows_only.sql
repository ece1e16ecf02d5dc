{% macro changed_rows_only() -%}
    {%- if is_incremental() -%}
    except
    select * from {{ this }}
    {%- endif -%}
{%- endmacro %}
