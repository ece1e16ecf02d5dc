{#-
    SQL expressions, each the reason why a value is not nested in the way that its fields expect, or null: fields read members of
    something that is not an object, or child rows come from something that is not an array (or a map). Such a value would vanish
    unseen. It is looked at only if all its members are null.
-#}
{% macro nesting_problems(fields={}, arrays=[], maps=[], others=[], is_child=false) %}
    {%- set problems, read_below = [], {} -%}
    {%- for pointer in fields.values() | list + arrays + maps + others if not pointer.startswith('envelope:') -%}
        {%- set names = pointer.split('/') -%}
        {%- for length in range(1 if is_child else 2, names | length) -%}
            {%- do read_below.setdefault(names[:length] | join('/'), []) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for column, pointer in fields.items() -%}
        {%- for above, columns in read_below.items() if pointer.startswith(above ~ '/') -%}
            {%- do columns.append(column ~ ' is null and ') -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set expected = [] -%}
    {%- for pointer, columns in read_below.items() -%}{%- do expected.append((pointer, columns, 'object')) -%}{%- endfor -%}
    {%- for pointer in arrays -%}{%- do expected.append((pointer, [], 'array')) -%}{%- endfor -%}
    {%- for pointer in maps -%}{%- do expected.append((pointer, [], 'object')) -%}{%- endfor -%}
    {%- for pointer, columns, kind in expected -%}
        {%- do problems.append(
            'case when ' ~ columns | join ~ 'jsonb_typeof(' ~ json_at('_document', pointer) ~ ") not in ('" ~ kind ~ "', 'null') "
            ~ "then '" ~ pointer | replace("'", "''") ~ (': ' if pointer) ~ "' || left(("
            ~ json_at('_document', pointer) ~ ")::text, 100) || ' is not an " ~ kind ~ "' end"
        ) -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}
