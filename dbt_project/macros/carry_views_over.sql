{#-
    A post-hook, inside the transaction of a rebuild: points the views that read the table which is being swapped out to
    the new one, before dbt drops the old one with `cascade` and takes them along. A view that cannot be carried, since a
    column of its went away, goes as it would without this, and comes back with its own model; so does a view that the
    same run makes anew, since dbt counts on its being gone.
-#}
{% macro carry_views_over() %}
{%- if execute -%}
{%- set backup = make_backup_relation(this, 'table') -%}
{%- set made_anew = ["''"] -%}
{%- for name in selected_resources if name in graph.nodes and graph.nodes[name].config.materialized == 'view' -%}
    {%- do made_anew.append("'" ~ graph.nodes[name].schema ~ "." ~ graph.nodes[name].alias ~ "'") -%}
{%- endfor -%}
do $carry$
declare
    dependent record;
begin
    for dependent in
        select distinct
            rules.ev_class::regclass as view_name,
            replace(
                pg_get_viewdef(rules.ev_class), '{{ backup.identifier }}', '{{ this.identifier }}'
            ) as definition
        from pg_depend as dependencies
        inner join pg_rewrite as rules on dependencies.objid = rules.oid
        inner join pg_class as classes on rules.ev_class = classes.oid
        where dependencies.classid = 'pg_rewrite'::regclass
            and dependencies.refobjid = to_regclass('{{ backup }}')
            and classes.relkind = 'v'
            and rules.ev_class::regclass::text not in ({{ made_anew | join(', ') }})
    loop
        begin
            execute format('create or replace view %s as %s', dependent.view_name, dependent.definition);
        exception
            when undefined_column or invalid_table_definition or datatype_mismatch then null;
        end;
    end loop;
end $carry$
{%- endif -%}
{% endmacro %}
