{#-
    Adds a row to a dimension for each key that the rows of a table refer to and that is not there: an inferred member, of which only the
    key is known. `delete_unused_rows` deletes it when no row refers to it any more.
-#}
{% macro infer_members(reference, child) -%}
    with inferred as (
        insert into {{ reference.table }} ({{ reference.key }}, is_inferred)
        select distinct child.{{ reference.column }}, true
        from {{ child }} as child
        where child.{{ reference.column }} is not null
            and not exists (
                select from {{ reference.table }} as member where member.{{ reference.key }} = child.{{ reference.column }}
            )
        on conflict do nothing
        returning {{ reference.key }}
    )
    insert into intermediate.unused_rows (mart, key)
    select '{{ reference.mart }}', jsonb_build_array(inferred.{{ reference.key }}) from inferred
    on conflict do nothing;
{%- endmacro %}
