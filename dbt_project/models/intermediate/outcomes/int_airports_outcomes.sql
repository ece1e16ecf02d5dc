{{ source_outcomes('airports') }}
