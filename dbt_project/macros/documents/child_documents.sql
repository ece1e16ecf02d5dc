{#-
    The elements of an array in a document, to be joined laterally. Equal elements count once. Anything but an array has none; staging
    has made its document uncastable.
-#}
{% macro child_documents(elements) -%}
    (
        select distinct element.value
        from jsonb_array_elements(case when jsonb_typeof({{ elements }}) = 'array' then {{ elements }} end) as element (value)
    )
{%- endmacro %}
