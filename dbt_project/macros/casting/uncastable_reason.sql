{#-
    The reason why a document is uncastable: each missing field, each key longer than an index can take, each text field that
    holds an object or array, and each field whose text is not a value of its type. Null if every field casts. The key and the
    version that the source declares are always required, and a text of the key is always a name. A null that is landed, as
    `tombstone: delete` declares it, has nothing but a key.

    Child rows come from pointers in `arrays` and `maps`, and `others` are pointers that something else reads, such as
    `other_fields`: what is above them must be an object. In the staging model of child rows, `row` are the columns that identify
    a row within its document: they begin the reason.
-#}
{% macro uncastable_reason(
    types={}, fields={}, source_name=none, required=[], names=[], arrays=[], maps=[], others=[], row=[]
) -%}
    {%- set key = key_columns(source_name, fields) if execute and source_name else [] -%}
    {%- set version = [version_column(source_name, fields)] | select | list if execute and source_name else [] -%}
    {%- set or_null = ' and _message_key is null' if source_name and has_nulls(source_name) else '' -%}
    {%- set texts, key_texts = [], [] -%}
    {%- for column, pointer in fields.items() if types.get(column, 'text') == 'text' -%}
        {#- the envelope holds no objects and arrays -#}
        {%- do texts.append(column) if not pointer.startswith('envelope:') -%}
        {%- do key_texts.append(column) if column in key -%}
    {%- endfor -%}
    {%- for column in row %}'{{ column }} ' || left({{ column }}::text, 100) || {{ "', '" if not loop.last else "': '" }} || {% endfor -%}
    nullif(array_to_string(array[
        null::text
        {%- for column in (key + required + version) | unique %},
        case when {{ column }} is null{{ or_null if column not in key }} then '{{ column }}: is missing' end
        {%- endfor %}
        {%- for column in (names + key_texts) | unique %},
        case when length({{ column }}) > 200 then '{{ column }}: is longer than 200 characters' end
        {%- endfor %}
        {%- if key_texts | length > 3 %},
        case when length(concat({{ key_texts | join(', ') }})) > 600 then 'key: is longer than 600 characters' end
        {%- endif %}
        {%- for column in key if types.get(column, '').split(' ')[0] in ['timestamp', 'timestamptz', 'epoch_seconds'] %},
        case when {{ column }} ~ '[.][0-9]{6}0*[1-9]' then '{{ column }}: a key is read to the microsecond' end
        {%- endfor %}
        {%- for column in texts %},
        {#- a comparison is cheap, and the text of each object and array begins with a brace or bracket -#}
        case
            when {{ column }} collate "C" >= '['
                and jsonb_typeof({{ json_at('_document', fields[column]) }}) in ('object', 'array')
                then '{{ column }}: ' || left(to_json({{ column }})::text, 100) || ' is not a text'
        end
        {%- endfor %}
        {%- set withdrawal = source_declaration(source_name).get('withdrawn_when') if execute and source_name -%}
        {%- if withdrawal %},
        case
            when is_withdrawn is null and jsonb_typeof({{ json_at('_document', withdrawal['field']) }}) in ('object', 'array')
                then '{{ withdrawal['field'] }}: is not a text'
        end
        {%- endif %}
        {%- for column, type in types.items() if type not in ['text', 'jsonb'] %},
        case
            when {{ column }} is not null and not {{ is_castable(column, type) }}
                then {{ cast_problem(column, type) }}
        end
        {%- endfor %}
        {%- for problem in nesting_problems(fields, arrays, maps, others, is_child=row | length > 0) %},
        {{ problem }}
        {%- endfor %}
    ], '; '), '')
{%- endmacro %}
