{#-
    A post-hook, inside the transaction of a rebuild: points the views that read the replaced table to the new one, before
    dbt drops the old one with `cascade` and the views with it. A view that reads a column that no longer exists, or has a type
    that the view cannot use, cannot be repointed: it is dropped and comes back when its own model runs. Views that the same run
    creates are left out, since dbt expects them to be dropped.
-#}
{% macro repoint_views() %}
{%- if execute -%}
{%- set backup = make_backup_relation(this, 'table') -%}
{%- set created_by_this_run = ["''"] -%}
{%- for name in selected_resources if name in graph.nodes and graph.nodes[name].config.materialized == 'view' -%}
    {%- do created_by_this_run.append("'" ~ graph.nodes[name].schema ~ "." ~ graph.nodes[name].alias ~ "'") -%}
{%- endfor -%}
do $repoint$
declare
    dependent record;
begin
    for dependent in
        select distinct
            rules.ev_class::regclass::text as view_name,
            replace(
                pg_get_viewdef(rules.ev_class), '{{ backup.identifier }}', '{{ this.identifier }}'
            ) as definition
        from pg_depend as dependencies
        inner join pg_rewrite as rules on dependencies.objid = rules.oid
        inner join pg_class as classes on rules.ev_class = classes.oid
        where dependencies.classid = 'pg_rewrite'::regclass
            and dependencies.refobjid = to_regclass('{{ backup }}')
            and classes.relkind = 'v'
            and rules.ev_class::regclass::text not in ({{ created_by_this_run | join(', ') }})
    loop
        begin
            execute format('create or replace view %s as %s', dependent.view_name, dependent.definition);
        exception
            when undefined_column or datatype_mismatch or undefined_function then null;
            when insufficient_privilege then
                raise exception 'the view % reads {{ this.identifier }}, which is rebuilt, and belongs to another role: drop it, or run `alter view % owner to %`',
                    dependent.view_name, dependent.view_name, current_user;
            when invalid_table_definition then  -- a column has another type: without dependents, the view can be made again
                begin
                    execute format('drop view %s', dependent.view_name);
                    execute format('create view %s as %s', dependent.view_name, dependent.definition);
                exception
                    when undefined_column or datatype_mismatch or undefined_function or dependent_objects_still_exist then null;
                end;
        end;
    end loop;
end $repoint$
{%- endif -%}
{% endmacro %}
