{#-
    Two columns by which `deduplicated_documents` orders the documents of one key: the declared version in its own type, and, of
    a time, the digits beyond the microseconds that PostgreSQL keeps, which `cast_value` cuts off. Both are empty where the
    source declares `version: delivery`, which orders by the ledger. Of a source that declares `tombstone: delete`, a third one,
    `_is_null`: a null deletes the documents of its key if it is delivered after all of them.
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
    {%- elif type.startswith('timestamp') -%}
        {{ cast_when_castable(column, type) }} as document_version,
        case
            when length({{ column }}) > 26
                then coalesce(rtrim(substring({{ column }} from '[.][0-9]{6}([0-9]+)'), '0'), '')
            else ''
        end collate "C" as _version_digits
    {%- else -%}
        {#- a double would make two large whole numbers equal, and an instant the digits beyond the microseconds -#}
        {{ cast_when_castable(column, 'numeric' if type in ['double precision', 'epoch_seconds', 'epoch_milliseconds'] else type) }}
        {{- ' collate "C"' if type == 'text' }} as document_version,
        ''::text collate "C" as _version_digits
    {%- endif -%}
    {%- if has_nulls(source_name) -%},
        _message_key is not null as _is_null
    {%- endif -%}
{%- endmacro %}
