{#- The same for every spelling of its parts; of an uncastable document what it says, short enough for an index. -#}
{% macro document_key(parts, types={}) -%}
    {%- set values = [] -%}
    {%- for part in parts -%}
        {%- set value = cast_value(part, types[part]) if part in types else part -%}
        {%- do values.append("to_char(" ~ value ~ ", 'YYYY-MM-DD')" if types.get(part) == 'date' else value) -%}
    {%- endfor -%}
    case
        when uncastable_reason is null then concat_ws('-', {{ values | join(', ') }})
        else nullif(left(concat_ws('-', {{ parts | join(', ') }}), 200), '')
    end
{%- endmacro %}
