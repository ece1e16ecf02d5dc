{#-
    Keys of different documents differ by more than what nobody sees: blanks, characters without width, marks of direction, and
    the two Unicode spellings of an accent. Such keys stay apart, since only the source knows whether they mean the same.
    Only keys with a character outside of ASCII's visible ones can look like another key.
-#}
{% test distinguishable_keys(model) %}
{{ config(severity='warn') }}
{%- set no_width = "U&'[\\0001-\\0008\\000E-\\001F\\007F-\\0084\\0086-\\009F\\00AD\\034F\\061C\\115F\\1160\\17B4\\17B5\\180B-\\180F"
    ~ "\\200B-\\200F\\202A-\\202E\\2060-\\206F\\3164\\FE00-\\FE0F\\FEFF\\FFA0]+'" %}
{%- set blanks = "U&'[\\0009-\\000D\\0020\\0085\\00A0\\1680\\2000-\\200A\\2028\\2029\\202F\\205F\\3000]+'" %}

with

keys as (

    select distinct document_key
    from {{ model }}
    where outcome <> 'uncastable'

),

odd as (

    select
        document_key,
        regexp_replace(
            btrim(regexp_replace(regexp_replace(normalize(document_key), {{ no_width }}, '', 'g'), {{ blanks }}, ' ', 'g')),
            ' ?- ?', '-', 'g'
        ) as visible_key
    from keys
    where document_key collate "C" ~ '[^!-~]'

),

alike as (

    select odd.visible_key, odd.document_key from odd
    union
    select odd.visible_key, keys.document_key
    from odd
    inner join keys on odd.visible_key = keys.document_key

)

select
    visible_key,
    string_agg(to_json(document_key)::text, ', ' order by document_key collate "C") as document_keys
from alike
group by visible_key
having count(*) > 1

{% endtest %}
