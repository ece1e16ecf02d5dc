-- waybill: sample
{{ source_outcomes('flights') }}
