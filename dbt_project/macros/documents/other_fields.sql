{#-
    The fields that a row has no room for, as one object from JSON pointer to value; null if none of them has a value.
-#}
{% macro other_fields(pointers, document='document') -%}
    (
        select jsonb_object_agg(other.pointer, other.value)
        from (
            values
            {%- for pointer in pointers %}
            ('{{ pointer | replace("'", "''") }}', {{ json_at(document, pointer) }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) as other (pointer, value)
        where other.value <> 'null'
    )
{%- endmacro %}
