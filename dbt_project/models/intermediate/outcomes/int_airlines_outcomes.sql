{{ source_outcomes('airlines') }}
