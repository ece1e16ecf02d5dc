{#- A field that becomes a key is not longer than an index can take, three of them together. -#}
{% macro uncastable_reason(types, required=[], names=[]) -%}
    {%- set words = {
        'hhmm': 'clock time HHMM',
        'double precision': 'number',
        'timestamptz': 'time with a UTC offset',
        'time_zone': 'time zone',
    } -%}
    nullif(concat_ws(
        '; ',
        {%- for column in required %}
        case when {{ column }} is null then '{{ column }}: is missing' end,
        {%- endfor %}
        {%- for column in names %}
        case when length({{ column }}) > 200 then '{{ column }}: is longer than 200 characters' end,
        {%- endfor %}
        {%- for column, type in types.items() %}
        case
            when {{ column }} is not null and not {{ is_castable(column, type) }}
                then '{{ column }}: ' || left(to_json({{ column }})::text, 100)
                {%- if type == 'integer' %}
                    || case when {{ column }} ~ '^-?\d+([.]0+)?$' then ' is too large' else ' is no whole number' end
                {%- else %}
                    || ' is no {{ words.get(type, type) }}'
                {%- endif %}
        end{{ "," if not loop.last }}
        {%- endfor %}
    ), '')
{%- endmacro %}
