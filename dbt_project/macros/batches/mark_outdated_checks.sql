{#-
    An on-run-end hook: marks the checks of models as outdated whose mart was written since, in this run or before. `waybill dbt`, the
    stage dbt and `waybill score` make them again. Without the table of checks, or the right to read it, nothing is marked.
-#}
{% macro mark_outdated_checks() %}
    {%- if execute and flags.WHICH in ['run', 'build'] %}
do $checks$
begin
    if not exists (
        select from pg_class as tables
        inner join pg_namespace as schemas on tables.relnamespace = schemas.oid
        where schemas.nspname = 'predictions'
            and tables.relname = 'model_checks'
            and has_schema_privilege(schemas.oid, 'usage')
            and has_table_privilege(tables.oid, 'select')
    ) then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('waybill: model_checks'));
    update predictions.model_checks as checks
    set is_outdated = true
    from (
        select checked.mart, predictions.table_state(checked.mart) as table_state
        from (select distinct fresh.mart from predictions.model_checks as fresh where not fresh.is_outdated) as checked
    ) as marts
    where checks.mart = marts.mart
        and not checks.is_outdated
        and (checks.table_state <> marts.table_state or num_nulls(checks.table_state, marts.table_state) > 0);
end $checks$
    {%- endif %}
{% endmacro %}
