{#-
    The reason why a document is uncastable: each missing field, each key longer than an index can take (three of them
    together), and each field whose text is not a value of its type. Null if every field casts. The key and the version that
    the source declares are always required.
-#}
{% macro uncastable_reason(types, fields={}, source_name=none, required=[], names=[]) -%}
    {%- set words = {
        'hhmm': 'clock time HHMM',
        'double precision': 'number',
        'timestamptz': 'time with a UTC offset',
        'time_zone': 'time zone',
    } -%}
    {%- set needed = [] -%}
    {%- if execute and source_name -%}
        {%- do needed.extend(key_columns(source_name, fields) + required) -%}
        {%- set version = version_column(source_name, fields) -%}
        {%- do needed.append(version) if version -%}
    {%- else -%}
        {%- set needed = required -%}
    {%- endif -%}
    nullif(concat_ws(
        '; ',
        {%- for column in needed %}
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
                    || case when {{ column }} ~ '^-?\d+([.]0+)?$' then ' is too large' else ' is not a whole number' end
                {%- else %}
                    || ' is not a {{ words.get(type, type) }}'
                {%- endif %}
        end{{ "," if not loop.last }}
        {%- endfor %}
    ), '')
{%- endmacro %}
