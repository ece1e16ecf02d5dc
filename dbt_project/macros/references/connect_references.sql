{#-
    A post-hook of marts, inside the model's transaction, before `sync_foreign_keys`. Members that a dimension's own documents no
    longer describe become inferred ones, as long as a row refers to them. In a rebuilt table, or one that was built before the
    dimension that it refers to, the missing members are inferred, and the foreign keys of tables that were there first are added.
-#}
{% macro connect_references() %}
{%- if execute -%}
{%- set own, others = references_of(model), references_to(this.identifier) -%}
{%- if own or others -%}
do $references$
begin
    {%- if others and model.config.meta.get('returns_every_row') %}
    {%- set key = config.get('unique_key') %}
    with undescribed as materialized (
        select former.{{ key }}
        from {{ this }} as former
        where not former.is_inferred
            and jsonb_build_array(former.{{ key }}) in (
                select listed.key from intermediate.unused_rows as listed where listed.mart = '{{ this.identifier }}'
            )
    )
    update {{ this }} as former
    set is_inferred = true
    {%- for name in model.columns if name not in [key, 'is_inferred'] %}, {{ adapter.quote(name) }} = null{% endfor %}
    from undescribed
    where former.{{ key }} = undescribed.{{ key }};
    {%- endif %}
    {%- for reference in own %}
    if {{ has_column(reference.table, reference.key, reference.key_type) }} then
        {{ infer_members(reference, this) }}
    end if;
    {%- endfor %}
    {%- for reference in others if reference.child_name != this.identifier %}
    {%- set name = foreign_key_name(reference.child_name, [reference.column]) %}
    if {{ has_column(reference.child, reference.column, reference.type) }} and not exists (
        select from pg_constraint
        where contype = 'f' and conname = '{{ name }}' and conrelid = to_regclass('{{ reference.child }}')
    ) then
        {{ infer_members(reference, reference.child) }}
        alter table {{ reference.child }} add constraint {{ adapter.quote(name) }}
        foreign key ({{ reference.column }}) references {{ this }} ({{ reference.key }});
    end if;
    {%- endfor %}
end $references$
{%- endif -%}
{%- endif -%}
{% endmacro %}
