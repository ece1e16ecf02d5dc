{#-
    Lists the rows of a mart that its model, which returns every row in every run (`returns_every_row`), does not return any
    more. Rows of other marts may still refer to them until these marts are updated: `delete_unused_rows` deletes them at the
    end of the run.
-#}
{% macro list_unused_rows(mart, returned, key) %}
    {%- set names = key | map('string') | list %}
    delete from intermediate.unused_rows where mart = '{{ mart.identifier }}';
    insert into intermediate.unused_rows (mart, key)
    select '{{ mart.identifier }}', jsonb_build_array(former.{{ names | join(', former.') }})
    from {{ mart }} as former
    where not exists (
        select from {{ returned }} as returned
        where {% for name in names %}returned.{{ name }} = former.{{ name }}{{ ' and ' if not loop.last }}{% endfor %}
    );
{% endmacro %}
