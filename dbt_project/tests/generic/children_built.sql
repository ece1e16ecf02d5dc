{#-
    Promise P5, on a child mart: every document that its parent mart holds, of the batches that the child mart has processed, has as
    many rows in it as its staging model gives. `columns` identify the parent of a row within the document. The batches are an array,
    because PostgreSQL expects almost no rows of a model that is new in `processed_batches`, and would compare all rows with all.
-#}
{% test children_built(model, parent, children, columns=[]) %}
{%- set joined = ['_batch_id', '_position'] + columns %}

with

expected as (

    select {{ joined | join(', ') }}, count(*) as expected_rows
    from {{ parent }}
    inner join {{ children }} using ({{ joined | join(', ') }})
    where _batch_id = any(array(
        select processed.batch_id
        from intermediate.processed_batches as processed
        where processed.model = '{{ model.identifier }}'
    ))
    group by {{ joined | join(', ') }}

),

found as (

    select {{ joined | join(', ') }}, count(*) as found_rows
    from {{ model }}
    group by {{ joined | join(', ') }}

)

select
    {{ joined | join(', ') }},
    expected_rows,
    coalesce(found_rows, 0) as found_rows,
    '{{ repair_command() }}' as repair
from expected
left join found using ({{ joined | join(', ') }})
where expected_rows is distinct from found_rows

{% endtest %}
