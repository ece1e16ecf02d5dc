{#- The batches that a deduplicated model has processed and a mart has not; none of a mart that records no batches. -#}
{% macro batches_missing_in(mart, documents) -%}
    (
        select earlier.batch_id
        from intermediate.processed_batches as earlier
        where earlier.model = '{{ documents }}'
            and exists (select from intermediate.processed_batches as any_batch where any_batch.model = '{{ mart }}')
        except
        select later.batch_id
        from intermediate.processed_batches as later
        where later.model = '{{ mart }}'
    )
{%- endmacro %}
