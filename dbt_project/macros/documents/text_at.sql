{#-
    The text at a JSON pointer. After `envelope:` it points to a field beside the records of a file, which the ledger keeps once
    for each input: see `run_documents`. A number in the pointer may be an array index or a member's name: only `#>>`
    accepts both.
-#}
{% macro text_at(document, pointer) -%}
    {%- if pointer.startswith('envelope:') -%}
        _envelope ->> '{{ pointer[9:] | replace("'", "''") }}'
    {%- else -%}
    {%- set names = [] -%}
    {%- for name in pointer.split('/')[1:] -%}
        {%- do names.append(name | replace('~1', '/') | replace('~0', '~') | replace("'", "''")) -%}
    {%- endfor -%}
    {%- if names | select('string') | map('int', -1) | reject('equalto', -1) | list -%}
        {{ document }} #>> array['{{ names | join("', '") }}']
    {%- else -%}
        {{ document }}{% for name in names %} {{ '->>' if loop.last else '->' }} '{{ name }}'{% endfor %}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}
