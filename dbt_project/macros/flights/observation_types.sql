{#- waybill: sample -#}
{% macro observation_types() %}
    {{ return({
        'observed_at': 'timestamptz',
        'temperature_fahrenheit': 'double precision',
        'dew_point_fahrenheit': 'double precision',
        'relative_humidity_percent': 'double precision',
        'wind_direction_degrees': 'integer',
        'wind_speed_mph': 'double precision',
        'wind_gust_mph': 'double precision',
        'precipitation_inches': 'double precision',
        'pressure_millibars': 'double precision',
        'visibility_miles': 'double precision',
    }) }}
{% endmacro %}
