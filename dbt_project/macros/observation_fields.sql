{% macro observation_fields() -%}
    {%- set fields = {
        'temperature_fahrenheit': '{temperature_fahrenheit}',
        'dew_point_fahrenheit': '{dew_point_fahrenheit}',
        'relative_humidity_percent': '{relative_humidity_percent}',
        'wind_direction_degrees': '{wind,direction_degrees}',
        'wind_speed_mph': '{wind,speed_mph}',
        'wind_gust_mph': '{wind,gust_mph}',
        'precipitation_inches': '{precipitation_inches}',
        'pressure_millibars': '{pressure_millibars}',
        'visibility_miles': '{visibility_miles}',
    } -%}
    {%- for name, path in fields.items() %}
    {{ present_text("observation.value #>> '" ~ path ~ "'") }} as {{ name }}{{ "," if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
