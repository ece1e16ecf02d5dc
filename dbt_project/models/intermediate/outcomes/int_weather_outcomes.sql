{{ source_outcomes('weather') }}
