{#-
    The types that staging casts to → what a value of the type is called in a reason. Each has one grammar, in `is_castable`:
    ASCII only, and the same for every locale and session. Zones are named as `timestamptz in Europe/Paris`.
-#}
{% macro castable_types() %}
    {{ return({
        'text': 'a text',
        'integer': 'a whole number',
        'bigint': 'a whole number',
        'minutes': 'a whole number',
        'numeric': 'a decimal number',
        'double precision': 'a number',
        'boolean': 'true or false',
        'uuid': 'a UUID',
        'date': 'a date',
        'hhmm': 'a clock time HHMM',
        'time_zone': 'a time zone',
        'timestamp': 'a time without a UTC offset',
        'timestamptz': 'a time with a UTC offset',
        'timestamptz in': 'a local time of <zone>, or a time with a UTC offset',
        'epoch_seconds': 'a number of seconds since 1970',
        'epoch_milliseconds': 'a number of milliseconds since 1970',
    }) }}
{% endmacro %}
