{#- A sum over JSON values that are not null: the same for the same values of the same documents, in whatever order. -#}
{% macro json_sum(value, rows) -%}
    coalesce(sum(hashtextextended(
        concat_ws(' ', {{ rows }}._batch_id, {{ rows }}._position, {{ value }}), 0
    )) filter (where {{ value }} <> 'null'), 0)
{%- endmacro %}
