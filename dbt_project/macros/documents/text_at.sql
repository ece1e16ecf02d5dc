{#- The text at a JSON pointer. A number in the pointer may be an array index or a member's name: only `#>>` accepts both. -#}
{% macro text_at(document, pointer) -%}
    {%- set names = [] -%}
    {%- for name in pointer.split('/')[1:] -%}
        {%- do names.append(name | replace('~1', '/') | replace('~0', '~') | replace("'", "''")) -%}
    {%- endfor -%}
    {%- if names | select('string') | map('int', -1) | reject('equalto', -1) | list -%}
        {{ document }} #>> array['{{ names | join("', '") }}']
    {%- else -%}
        {{ document }}{% for name in names %} {{ '->>' if loop.last else '->' }} '{{ name }}'{% endfor %}
    {%- endif -%}
{%- endmacro %}
