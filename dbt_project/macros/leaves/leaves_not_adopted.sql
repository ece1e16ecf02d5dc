{#-
    Per path, the documents of a source that hold a field which is drift and which no path of the declaration names. Only batches with
    drift are read.
-#}
{% macro leaves_not_adopted(source_name, landed, documents) -%}
    with

    documents as (

        {{ current_documents(landed, documents) }}
            and landed._batch_id in (select drift.batch_id from ledger.drift as drift)

    ),

    unknown as (

        {{ listed_unknown_leaves(leaf_levels(source_name), 'true') }}

    )

    select
        unknown.path,
        count(distinct (unknown._batch_id, unknown._position)) as documents,
        min('batch ' || unknown._batch_id || ', position ' || unknown._position) as first_document
    from unknown
    where {{ is_drift('unknown') }}
    group by unknown.path
{%- endmacro %}
