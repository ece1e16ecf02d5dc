{#-
    Two columns by which `deduplicated_documents` orders the documents of one key: the declared version in its own type, and,
    of a time, the digits beyond the microseconds that PostgreSQL keeps. They are cut off before the cast, which would round
    them up. Both are empty where the source declares `version: delivery`, which orders by the ledger.
-#}
{% macro document_version(source_name, fields, types) -%}
    {%- set column = version_column(source_name, fields) if execute else none -%}
    {%- set type = types.get(column) if column -%}
    {%- if not column -%}
        null::timestamptz as document_version,
        ''::text collate "C" as _version_digits
    {%- elif not type -%}
        {{ exceptions.raise_compiler_error(
            model.original_file_path ~ ": the version " ~ column ~ " has no type, so its order is not known: add it to `types`, "
            ~ "as '" ~ column ~ "': 'timestamptz', 'integer', 'numeric', 'date' or 'text'"
        ) }}
    {%- elif type == 'timestamptz' -%}
        {%- set microseconds = "regexp_replace(" ~ column ~ ", '([.][0-9]{6})[0-9]+', '\\1')" -%}
        {{ cast_when_castable(microseconds, type) }} as document_version,
        coalesce(rtrim(substring({{ column }} from '[.][0-9]{6}([0-9]+)'), '0'), '') collate "C" as _version_digits
    {%- else -%}
        {#- a double would make two large whole numbers equal -#}
        {{ cast_when_castable(column, 'numeric' if type == 'double precision' else type) }}
        {{- ' collate "C"' if type == 'text' }} as document_version,
        ''::text collate "C" as _version_digits
    {%- endif -%}
{%- endmacro %}
