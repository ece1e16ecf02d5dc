{#-
    A hash that only equal documents share: 128 bits of SHA-256 over PostgreSQL's text of the jsonb, in which equal numbers are
    spelled alike (517.0 as 517). PostgreSQL's own jsonb hash will not do: it ignores where an object or array ends, so
    {"a": {"b": 1}, "c": 2} and {"a": {"b": 1, "c": 2}} share it. The last pattern skips texts in quotes. `limit 1` makes the
    text once; the patterns are slow, and most documents have no number to change.
-#}
{% macro value_hash(document='document') -%}
    (
        select
            left(encode(sha256(convert_to(
                case
                    when spelling like '%.%' and spelling ~ '[.][0-9]*0[],}]'
                        then regexp_replace(
                            spelling,
                            '("(?:[^"\\]|\\.)*")|([.][0-9]*[1-9])0+(?![0-9])|[.]0+(?![0-9])',
                            '\1\2',
                            'g'
                        )
                    else spelling
                end,
                'UTF8'
            )), 'hex'), 32)::uuid
        from (select {{ document }}::text as spelling limit 1) as spelled
    )
{%- endmacro %}
