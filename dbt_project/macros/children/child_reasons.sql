{#-
    The documents whose child rows do not all cast, each with the reasons: the first five, and how many more there are. Only child
    rows of the batches are read.
-#}
{% macro child_reasons(children, batches) -%}
    select
        _batch_id,
        _position,
        string_agg(reason, '; ' order by reason_number) filter (where reason_number <= 5)
        || case when count(*) > 5 then '; and ' || count(*) - 5 || ' more' else '' end as reason
    from (
        select
            _batch_id,
            _position,
            uncastable_reason as reason,
            row_number() over (partition by _batch_id, _position order by uncastable_reason collate "C") as reason_number
        from (
            {%- for child in children %}
            select _batch_id, _position, uncastable_reason
            from {{ child }}
            where _batch_id = any(array{{ batches }}) and uncastable_reason is not null
            {{- ' union all' if not loop.last }}
            {%- endfor %}
        ) as children
    ) as reasons
    group by _batch_id, _position
{%- endmacro %}
