{{ source_outcomes('aircraft') }}
