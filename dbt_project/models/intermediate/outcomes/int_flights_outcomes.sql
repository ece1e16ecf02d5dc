{{ source_outcomes('flights') }}
