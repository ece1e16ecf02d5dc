{#-
    What a source declares for one field, as `missing_texts` and `trimmed` do it: by pointer, or by `*` for all fields but key and
    version. A list of missing texts is short for `*`.
-#}
{% macro declared_at(source_name, setting, pointer) %}
    {%- set declaration = source_declaration(source_name) -%}
    {%- set declared = declaration.get(setting, []) -%}
    {%- set everywhere = pointer not in declaration['key'] and pointer != declaration['version'] -%}
    {%- if setting == 'trimmed' -%}
        {{ return(pointer in declared or (everywhere and '*' in declared)) }}
    {%- elif declared is mapping -%}
        {{ return(declared.get(pointer, declared.get('*', []) if everywhere else [])) }}
    {%- else -%}
        {{ return(declared if everywhere else []) }}
    {%- endif -%}
{% endmacro %}
