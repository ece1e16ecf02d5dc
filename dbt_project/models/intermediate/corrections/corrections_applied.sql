-- waybill: sample
-- One row per value of the marts that a correction has replaced. The end of a run, and the report, give their number.

with

{% for mart, key, documents in [
    ('dim_airports', 'airport_id', 'int_airports_deduplicated'),
    ('dim_aircraft', 'aircraft_id', 'int_aircraft_deduplicated'),
] -%}
{{ mart }}_corrected as (

    select
        corrections.mart,
        corrected.{{ key }} as key,
        corrections.field,
        corrections.delivered_value,
        corrections.correct_value,
        corrections.reason,
        corrections.evidence
    from {{ ref('corrections') }} as corrections
    inner join {{ ref(mart) }} as corrected
        on corrections.mart = '{{ mart }}' and coalesce(corrections.key, corrected.{{ key }}) = corrected.{{ key }}
    left join {{ ref(documents) }} as documents
        on corrected._batch_id = documents._batch_id and corrected._position = documents._position
    where (to_jsonb(documents) ->> corrections.field) is not distinct from corrections.delivered_value
        and to_jsonb(corrected) ->> corrections.field = corrections.correct_value

),

{% endfor -%}
final as (

    select * from dim_airports_corrected
    union all
    select * from dim_aircraft_corrected

)

select * from final
