{#-
    Stops the rebuild of a mart if a model that it reads is out of date and not selected, so that a column is missing there or has another
    type: PostgreSQL, or the contract, would name only the column.
-#}
{% macro refuse_outdated_upstream(upstream) %}
    {%- if upstream | reject('in', selected_resources) | list and model.config.contract.enforced -%}
do $upstream$
declare
    problem text;
begin
    execute $query$ create temporary view waybill_columns as {{ sql }} $query$;
    select string_agg(format('%I is %s there', found.attname, format_type(found.atttypid, null)), ', ' order by found.attnum)
    into problem
    from pg_attribute as found
    inner join jsonb_each_text({{ dbt.string_literal(dbt.escape_single_quotes(tojson(declared_columns(model)))) }})
        as declared (name, type) on found.attname = declared.name
    where found.attrelid = to_regclass('pg_temp.waybill_columns')
        and found.atttypid <> to_regtype(declared.type);
    drop view pg_temp.waybill_columns;
    if problem is not null then
        raise undefined_column using message = problem;
    end if;
exception
    when undefined_column then
        raise exception '{{ this.identifier }} cannot be rebuilt alone, since models that it reads are out of date (%): run `waybill dbt run -s +{{ this.identifier }}`', sqlerrm;
end $upstream$
    {%- endif -%}
{% endmacro %}
