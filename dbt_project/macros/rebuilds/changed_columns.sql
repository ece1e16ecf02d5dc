{#- How the columns of a table differ from what they have to be, in words; both are name -> type. Nothing if one of them is not known. -#}
{% macro changed_columns(before, now) %}
    {%- set found = [] -%}
    {%- if before and now -%}
        {%- for name, type in now.items() if type is not none -%}
            {%- if name not in before -%}
                {%- do found.append(name ~ ' is new') -%}
            {%- elif before[name] != type -%}
                {%- do found.append(name ~ ' is ' ~ type ~ ' instead of ' ~ before[name]) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for name in before if name not in now -%}
            {%- do found.append(name ~ ' is gone') -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}
