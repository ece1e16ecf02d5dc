{#- What the declaration of a source says about reading its documents, for the sentence that names what has changed. -#}
{% macro declared_reading(node) %}
    {%- set reading, declaration = {}, source_declaration(source_of(node.name) | trim) -%}
    {%- for name in ['key', 'version', 'missing_texts', 'trimmed', 'withdrawn_when', 'tombstone'] if declaration.get(name) -%}
        {%- do reading.update({name: declaration[name]}) -%}
    {%- endfor -%}
    {{ return(reading) }}
{% endmacro %}
