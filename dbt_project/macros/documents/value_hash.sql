{#-
    A hash that only equal documents share: 128 bits of SHA-256 over PostgreSQL's text of the jsonb, in which equal numbers are
    spelled alike (517.0 as 517). PostgreSQL's own jsonb hash will not do: it ignores where an object or array ends, so
    {"a": {"b": 1}, "c": 2} and {"a": {"b": 1, "c": 2}} share it. The pattern skips texts in quotes.
-#}
{% macro value_hash(document='document') -%}
    left(encode(sha256(convert_to(
        case
            when {{ document }}::text ~ '[.][0-9]*0[],}]'
                then regexp_replace(
                    {{ document }}::text,
                    '("(?:[^"\\]|\\.)*")|([.][0-9]*[1-9])0+(?![0-9])|[.]0+(?![0-9])',
                    '\1\2',
                    'g'
                )
            else {{ document }}::text
        end,
        'UTF8'
    )), 'hex'), 32)::uuid
{%- endmacro %}
