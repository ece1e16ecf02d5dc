-- waybill: sample
-- One row per observation of the current documents: the array unnested and every value cast. Documents with a value that
-- does not cast are uncastable, so they are not here.

with

documents as (

    select * from {{ ref('int_weather_deduplicated') }}

),

observations as (

    select
        documents.airport_id,
        documents.updated_at,
        documents._batch_id,
        documents._position,
        {{ observation_fields() }},
        {{ evaluated_once() }} as _parsed
    from documents
    cross join lateral {{ child_documents('documents.observations') }} as observation
    where documents.outcome = 'current'

),

typed as (

    select
        airport_id,
        {%- for column, type in observation_types().items() %}
        {{ cast_value(column, type) }} as {{ column }},
        {%- endfor %}
        updated_at,
        _batch_id,
        _position
    from observations

)

select * from typed
