-- waybill: sample
{{ source_outcomes('weather') }}
