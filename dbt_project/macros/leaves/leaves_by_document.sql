{#-
    What the checks of one mart count, for each document. The condition is one for all rows: PostgreSQL counts only if it is met.
-#}
{% macro leaves_by_document(checks, levels, rows, condition) -%}
    select
        _batch_id,
        _position,
        landed.counts as landed,
        kept.counts as kept
    from (
        select
            element._batch_id,
            element._position,
            array[{{ checks | map(attribute='landed_exactly') | join(', ') }}]::numeric[] as counts
        from {{ level_rows(levels, checks[0].level) }}
        where {{ condition }}
        group by element._batch_id, element._position
    ) as landed
    full join (
        select
            mart._batch_id,
            mart._position,
            array[{{ checks | map(attribute='kept') | join(', ') }}]::numeric[] as counts
        from {{ rows }} as mart
        where {{ condition }}
        group by mart._batch_id, mart._position
    ) as kept using (_batch_id, _position)
{%- endmacro %}
