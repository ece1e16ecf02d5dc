{#-
    The members of an object whose names are data, to be joined laterally. Anything but an object has none: `uncastable_reason`
    names it.
-#}
{% macro map_members(members) -%}
    (
        select member.name, member.value
        from jsonb_each(case when jsonb_typeof({{ members }}) = 'object' then {{ members }} end) as member (name, value)
    )
{%- endmacro %}
