{#-
    Infers the members that the rows of a new batch refer to, before they are written: see `get_incremental_upsert_sql`. A dimension that
    does not exist yet infers them itself when it is built.
-#}
{% macro infer_missing_members(rows) %}
    {%- for reference in references_of(model) %}
do $infer$
begin
    if {{ has_column(reference.table, reference.key, reference.key_type) }} then
        {{ infer_members(reference, rows) }}
    end if;
end $infer$;
    {%- endfor %}
{% endmacro %}
