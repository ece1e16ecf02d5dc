{#- waybill: sample -#}
{% macro observation_fields() -%}
    {{ field_texts('weather', {
        'observed_at': '/observed_at',
        'temperature_fahrenheit': '/temperature_fahrenheit',
        'dew_point_fahrenheit': '/dew_point_fahrenheit',
        'relative_humidity_percent': '/relative_humidity_percent',
        'wind_direction_degrees': '/wind/direction_degrees',
        'wind_speed_mph': '/wind/speed_mph',
        'wind_gust_mph': '/wind/gust_mph',
        'precipitation_inches': '/precipitation_inches',
        'pressure_millibars': '/pressure_millibars',
        'visibility_miles': '/visibility_miles',
    }, document='observation.value', within='/observations/*') }}
{%- endmacro %}
