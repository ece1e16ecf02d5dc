{#-
    517.0 and 517 are the same JSON number, so both become the integer 517; -0 becomes 0. Digits of a second beyond the sixth are
    cut off: rounded, they could move a time to the next day.
-#}
{% macro cast_value(column, type) -%}
    {%- set known = known_type(type) -%}
    {%- set seconds -%}
        case
            when length({{ column }}) > 26 and substr({{ column }} collate "C", 20, 8) ~ '^[.][0-9]+$'
                then left({{ column }}, 26) || ltrim(substr({{ column }}, 27), '0123456789')
            else {{ column }}
        end
    {%- endset -%}
    {%- if known in ['integer', 'hhmm', 'minutes'] -%}
        split_part({{ column }}, '.', 1)::integer
    {%- elif known == 'bigint' -%}
        split_part({{ column }}, '.', 1)::bigint
    {%- elif known == 'double precision' -%}
        ({{ column }}::double precision + 0)
    {%- elif known == 'time_zone' -%}
        {{ column }}
    {%- elif known in ['timestamp', 'timestamptz'] -%}
        ({{ seconds }})::{{ known }}
    {%- elif known == 'timestamptz in' -%}
        case
            when {{ is_castable(column, 'timestamptz') }} then {{ cast_value(column, 'timestamptz') }}
            else {{ cast_value(column, 'timestamp') }} at time zone '{{ type[15:] }}'
        end
    {%- elif known in ['epoch_seconds', 'epoch_milliseconds'] -%}
        {%- set number = column ~ '::numeric' ~ (' * 0.001' if known == 'epoch_milliseconds' else '') -%}
        (
            timestamptz '1970-01-01 00:00:00+00' + make_interval(secs => floor({{ number }})::double precision)
            + make_interval(secs => trunc({{ number }} - floor({{ number }}), 6)::double precision)
        )
    {%- else -%}
        {{ column }}::{{ known }}
    {%- endif -%}
{%- endmacro %}
