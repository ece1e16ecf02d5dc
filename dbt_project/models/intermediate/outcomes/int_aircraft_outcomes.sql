-- waybill: sample
{{ source_outcomes('aircraft') }}
