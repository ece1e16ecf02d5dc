{#-
    A hash that only equal documents share: 128 bits of SHA-256 over PostgreSQL's text of the jsonb, in which equal numbers are
    spelled alike (517.0 as 517). PostgreSQL's own jsonb hash will not do: it ignores where an object or array ends, so
    {"a": {"b": 1}, "c": 2} and {"a": {"b": 1, "c": 2}} share it. The last pattern skips texts in quotes. The patterns are slow, and
    most documents have no number to change. The text is made two or three times, about 1 µs each: a subquery would make it once,
    but PostgreSQL then reads the documents with one process instead of several.
-#}
{% macro value_hash(document='document') -%}
    {%- set spelling = '(' ~ document ~ ')::text' -%}
    left(encode(sha256(convert_to(
        case
            when {{ spelling }} like '%.%' and {{ spelling }} ~ '[.][0-9]*0[],}]'
                then regexp_replace(
                    {{ spelling }},
                    '("(?:[^"\\]|\\.)*")|([.][0-9]*[1-9])0+(?![0-9])|[.]0+(?![0-9])',
                    '\1\2',
                    'g'
                )
            else {{ spelling }}
        end,
        'UTF8'
    )), 'hex'), 32)::uuid
{%- endmacro %}
