-- waybill: sample
{{ source_outcomes('airports') }}
