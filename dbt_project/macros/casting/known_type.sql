{#- A type without its time zone. Stops for a type that has no grammar, and for anything but the name of a zone, before any SQL runs. -#}
{% macro known_type(type) %}
    {%- set known, zone = ('timestamptz in', type[15:]) if type.startswith('timestamptz in ') else (type, 'UTC') -%}
    {%- set letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-/' -%}
    {%- set is_zone = zone in ['UTC', 'GMT'] or '/' in zone and not zone | list | reject('in', letters) | list -%}
    {%- if known not in castable_types() or not is_zone or type == 'timestamptz in' -%}
        {{ exceptions.raise_compiler_error(
            "type " ~ type ~ " is not one of " ~ castable_types() | join(', ') ~ " <zone>: staging can cast to no other type"
        ) }}
    {%- endif -%}
    {{ return(known) }}
{% endmacro %}
