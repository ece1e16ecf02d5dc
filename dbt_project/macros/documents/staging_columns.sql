{#- The columns of a staging view; stops if one is missing that `deduplicated_documents` needs. -#}
{% macro staging_columns(staging_model) %}
    {%- set columns = adapter.get_columns_in_relation(staging_model) | map(attribute='name') | list -%}
    {%- for column in [
        'document_key', 'document_version', '_version_digits', 'is_withdrawn', 'uncastable_reason', '_value_hash', '_batch_id',
        '_position', '_fingerprint',
    ] if columns and column not in columns -%}
        {{ exceptions.raise_compiler_error(
            staging_model.identifier ~ " has no column " ~ column ~ ", which the outcomes need: add it as "
            ~ "the other models of dbt_project/models/staging do"
        ) }}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
