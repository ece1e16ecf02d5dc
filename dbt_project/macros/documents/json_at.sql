{#-
    The JSON, or its text, at a JSON pointer. After `envelope:` it points to a field beside the records of a file, which the
    ledger keeps once for each input: see `run_documents`. A number in the pointer may be an array index or a member's name: only
    `#>` accepts both. The empty pointer is the document itself.
-#}
{% macro json_at(document, pointer, as_text=false) -%}
    {%- if pointer.startswith('envelope:') -%}
        _envelope {{ '->>' if as_text else '->' }} '{{ pointer[9:] | replace("'", "''") }}'
    {%- elif not pointer -%}
        {{ document }}{{ " #>> '{}'" if as_text }}
    {%- else -%}
        {%- set names = [] -%}
        {%- for name in pointer.split('/')[1:] -%}
            {%- do names.append(unescaped_name(name)) -%}
        {%- endfor -%}
        {%- if names | select('string') | map('int', -1) | reject('equalto', -1) | list -%}
            {{ document }} {{ '#>>' if as_text else '#>' }} array['{{ names | join("', '") }}']
        {%- else -%}
            {{ document }}{% for name in names %} {{ '->>' if as_text and loop.last else '->' }} '{{ name }}'{% endfor %}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
