{#-
    How often a scalar is not missing: not null, and not a text that the source declares missing. An empty object or array does not
    count either, but to look for one takes as long as everything else: only `exact` leaves it out.
-#}
{% macro leaf_count(source_name, path, level, pointer, exact) -%}
    {%- set text = leaf_at(level, pointer, as_text=true) -%}
    count({{ present_text(source_name, path, text) }})
    {%- if exact %}
    - count(*) filter (
        where {{ text }} in ('{}', '[]') and jsonb_typeof({{ leaf_at(level, pointer) }}) in ('object', 'array')
    )
    {%- endif -%}
{%- endmacro %}
