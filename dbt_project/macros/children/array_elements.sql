{#-
    The elements of an array with their positions from 1 on, to be joined laterally. Equal elements are different rows, and null is
    one. Anything but an array has none: `uncastable_reason` names it.
-#}
{% macro array_elements(elements) -%}
    (
        select element.value, element.number::integer as number
        from jsonb_array_elements(case when jsonb_typeof({{ elements }}) = 'array' then {{ elements }} end)
            with ordinality as element (value, number)
    )
{%- endmacro %}
