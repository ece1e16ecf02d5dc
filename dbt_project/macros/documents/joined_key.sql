{#-
    Joins the parts of a key by hyphens, so that different parts give different keys. A part is an SQL text, or a pair of it and
    whether its hyphens are part of its type's format (a date). If another part holds a hyphen, every such hyphen becomes `~-` and
    every `~` becomes `~~`: the key then has more hyphens than any key without escapes.
-#}
{% macro joined_key(parts) -%}
    {%- set plain, free, escaped = [], [], [] -%}
    {%- for part in parts -%}
        {%- set text, has_dashes = (part, false) if part is string else part -%}
        {%- do plain.append(text) -%}
        {%- if has_dashes -%}
            {%- do escaped.append(text) -%}
        {%- else -%}
            {%- do free.append(text) -%}
            {%- do escaped.append("replace(replace(" ~ text ~ ", '~', '~~'), '-', '~-')") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if plain | length == 1 -%}
        {{ plain[0] }}
    {%- elif not free -%}
        concat_ws('-', {{ plain | join(', ') }})
    {%- else -%}
        case
            when strpos({{ free | join(' || ') }}, '-') > 0 then concat_ws('-', {{ escaped | join(', ') }})
            else concat_ws('-', {{ plain | join(', ') }})
        end
    {%- endif -%}
{%- endmacro %}
