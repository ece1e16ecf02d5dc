-- waybill: sample
-- Promise P5: every flight of the batches that flight_features has processed has its row there. See current_documents_built.

select flights.flight_id, flights._batch_id, flights._position, '{{ repair_command() }}' as repair
from {{ ref('fct_flights') }} as flights
where flights._batch_id = any(array(
        select processed.batch_id
        from intermediate.processed_batches as processed
        where processed.model = 'flight_features'
    ))
    and not exists (
        select from {{ ref('flight_features') }} as features where features.flight_id = flights.flight_id
    )
