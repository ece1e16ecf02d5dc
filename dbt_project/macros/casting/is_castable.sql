{#-
    PostgreSQL's input functions accept more than a contract means (`0x10`, `1_000`, `now`, `UTC+02:00`), and `\d` matches other
    digits in some locales. So a pattern of ASCII characters decides which spellings are read, and PostgreSQL only whether the
    value exists (30 February does not). Repetitions such as `{4}` are slow, so `like` checks the widths.

    Instants and dates lie within the years 0002 to 9998: Python's end at 0001 and 9999, and a time zone or a delay of up to
    300 days (the type `minutes`) moves an instant by less than a year. A double is at most 1e38, so that 32-bit floats hold
    it and squares of it can be summed.
-#}
{% macro is_castable(expression, type) -%}
    {%- set known = known_type(type) -%}
    {%- set text = expression ~ ' collate "C"' -%}
    {%- set offset = '([Zz]|[-+](0[0-9]|1[0-4])(:?[0-5][0-9])?)' -%}
    {%- set time = '^[0-9]+-[0-9]+-[0-9]+[Tt ][0-9]+:[0-9][0-9](:[0-9][0-9]([.][0-9]+)?)?' -%}
    {%- set widths = expression ~ " like '____-__-_____:__%'" -%}
    {%- set in_range = text ~ " >= '0002' and " ~ text ~ " < '9999'" -%}
    {%- set is_time -%}
        {{ expression }} not like '___________24%' and {{ expression }} not like '________________:60%'
        and {{ in_range }}
    {%- endset -%}
    {%- if known == 'text' -%}
        true
    {%- elif known in ['integer', 'bigint'] -%}
        case
            when not pg_input_is_valid({{ expression }}, '{{ known }}')
                then {{ text }} ~ '^-?[0-9]+[.]0+$' and pg_input_is_valid(split_part({{ expression }}, '.', 1), '{{ known }}')
            when {{ expression }}::{{ known }}::text = {{ expression }} then true
            else {{ text }} ~ '^-?[0-9]+$'
        end
    {%- elif known == 'minutes' -%}
        case
            when {{ is_castable(expression, 'integer') }} then {{ cast_value(expression, type) }} between -432000 and 432000
            else false
        end
    {%- elif known == 'hhmm' -%}
        case
            when {{ expression }} not like '-%' and length(split_part({{ expression }}, '.', 1)) <= 4
                and {{ is_castable(expression, 'integer') }}
                then {{ cast_value(expression, type) }} <= 2400 and {{ cast_value(expression, type) }} % 100 < 60
            else false
        end
    {%- elif known == 'numeric' -%}
        ({{ text }} ~ '^-?[0-9]+([.][0-9]+)?$' and length({{ expression }}) <= 40)
    {%- elif known == 'double precision' -%}
        case
            when {{ text }} ~ '^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$' and pg_input_is_valid({{ expression }}, '{{ known }}')
                then abs({{ expression }}::double precision) <= 1e38
            else false
        end
    {%- elif known == 'boolean' -%}
        ({{ text }} in ('true', 'false'))
    {%- elif known == 'uuid' -%}
        (
            {{ text }} ~ '^[0-9A-Fa-f]+-[0-9A-Fa-f]+-[0-9A-Fa-f]+-[0-9A-Fa-f]+-[0-9A-Fa-f]+$'
            and {{ expression }} like '________-____-____-____-____________'
        )
    {%- elif known == 'date' -%}
        (
            {{ text }} ~ '^[0-9]+-[0-9]+-[0-9]+$' and {{ expression }} like '____-__-__'
            and {{ in_range }} and pg_input_is_valid({{ expression }}, 'date')
        )
    {%- elif known == 'time_zone' -%}
        ({{ text }} ~ '^[A-Z]' and {{ expression }} ~ '/|^(UTC|GMT)$' and {{ expression }} in (select name from pg_timezone_names))
    {%- elif known == 'timestamp' -%}
        ({{ widths }} and {{ text }} ~ '{{ time }}$' and {{ is_time }} and pg_input_is_valid({{ expression }}, 'timestamp'))
    {%- elif known == 'timestamptz' -%}
        {#- the usual spelling first, by a pattern that is fast to match -#}
        (
            (
                {{ expression }} like '____-__-__T__:__:__Z' and {{ text }} ~ '^([0-9]+[-T:Z])+$'
                and ltrim(left({{ expression }}, 4), '0123456789') = ''
                or {{ widths }} and {{ text }} ~ '{{ time }}{{ offset }}$'
            )
            and {{ is_time }} and pg_input_is_valid({{ expression }}, 'timestamptz')
        )
    {%- elif known == 'timestamptz in' -%}
        case
            when {{ is_castable(expression, 'timestamp') }}
                then {{ cast_value(expression, type) }} at time zone '{{ type[15:] }}' = {{ cast_value(expression, 'timestamp') }}
            else {{ is_castable(expression, 'timestamptz') }}
        end
    {%- elif known in ['epoch_seconds', 'epoch_milliseconds'] -%}
        {#- the seconds from 1970 to the years 0002 and 9999 -#}
        case
            when {{ is_castable(expression, 'numeric') }}
                then {{ expression }}::numeric {{ '* 0.001' if known == 'epoch_milliseconds' }} >= -62104060800
                    and {{ expression }}::numeric {{ '* 0.001' if known == 'epoch_milliseconds' }} < 253370764800
            else false
        end
    {%- endif -%}
{%- endmacro %}
