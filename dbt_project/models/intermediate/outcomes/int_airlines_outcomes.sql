-- waybill: sample
{{ source_outcomes('airlines') }}
