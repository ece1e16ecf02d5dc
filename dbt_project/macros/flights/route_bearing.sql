{#- waybill: sample -#}
{#-
    The direction of one airport from another at the start of the great circle between them, degrees from north, from -180 to
    180: https://www.movable-type.co.uk/scripts/latlong.html, "Bearing". Null when a position is unknown.
-#}
{% macro route_bearing(origin, destination) -%}
    atan2d(
        sind({{ destination }}.longitude_degrees - {{ origin }}.longitude_degrees) * cosd({{ destination }}.latitude_degrees),
        cosd({{ origin }}.latitude_degrees) * sind({{ destination }}.latitude_degrees)
        - sind({{ origin }}.latitude_degrees) * cosd({{ destination }}.latitude_degrees)
        * cosd({{ destination }}.longitude_degrees - {{ origin }}.longitude_degrees)
    )
{%- endmacro %}
