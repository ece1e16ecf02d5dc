{#- The rows of a mart that a document has filled; inferred members have none. -#}
{% macro carried_rows(source_name, relations, mart) -%}
    {%- if mart not in relations -%}
        {{ exceptions.raise_compiler_error(
            "loader/sources/" ~ source_name ~ ".yml: `carried` names " ~ mart ~ ", which the test leaves_kept does not know: add "
            ~ "ref('" ~ mart ~ "') to its `marts`"
        ) }}
    {%- endif -%}
    (select * from {{ relations[mart] }} where _batch_id is not null)
{%- endmacro %}
