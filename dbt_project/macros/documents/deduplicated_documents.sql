{#-
    Gives each document its one outcome. Among the castable documents of a key, the highest version is current; equal versions
    are decided by the fingerprint, so the order of arrival decides nothing. A source that declares `version: delivery` has no
    version: there the last delivered is current, in the order of `in_delivery_order`.

    Each contradiction is an SQL expression over the columns of the staging model: the reason why a document contradicts itself,
    or null. Such a document is never current. It is uncastable, unless a newer document supersedes it in any case.

    `children` are the staging models of child rows: a document is uncastable, too, if one of its child rows is.

    A source that declares `tombstone: delete` has nulls, too. If a null is delivered after all documents of its key, it is filtered,
    whatever their version. Otherwise it is superseded.
-#}
{% macro deduplicated_documents(staging_model, contradictions=[], children=[]) %}
{%- set batches = new_batches() if is_incremental() else processed_batches() -%}
{%- set columns = staging_columns(staging_model) if execute else [] -%}
{%- set has_version = not execute or source_declaration(source_of(this.identifier))['version'] != 'delivery' -%}
{%- set has_nulls = has_nulls(source_of(this.identifier)) -%}
{%- set last_delivered_first = '_delivered_at desc, _delivering_batch_id desc, _position desc' -%}
{%- set newest_first = 'document_version desc, _version_digits desc, _fingerprint desc, _batch_id asc, _position asc'
    if has_version else last_delivered_first -%}
{%- if has_nulls and has_version -%}
    {%- set newest_first = '(_is_null = _is_deleted) desc, case when _is_null then _delivered_at end desc, '
        ~ 'case when _is_null then _delivering_batch_id end desc, case when _is_null then _position end desc, '
        ~ newest_first -%}
{%- endif -%}
with

{%- if children %}

child_reasons as (

    {{ child_reasons(children, batches | trim) }}

),

delivered as (

    select
        {%- for column in columns %}
        {%- if column == 'uncastable_reason' %}
        nullif(concat_ws('; ', documents.uncastable_reason, child_reasons.reason), '') as uncastable_reason
        {%- else %}
        documents.{{ column }}
        {%- endif %}
        {{- ',' if not loop.last }}
        {%- else %}
        documents.*
        {%- endfor %}
    from {{ staging_model }} as documents
    left join child_reasons
        on documents._batch_id = child_reasons._batch_id and documents._position = child_reasons._position
    where documents._batch_id {{ '= any(array' ~ batches | trim ~ ')' if is_incremental() else 'in ' ~ batches | trim }}

),
{%- else %}

delivered as (

    select *
    from {{ staging_model }}
    where _batch_id {{ '= any(array' ~ batches | trim ~ ')' if is_incremental() else 'in ' ~ batches | trim }}

),
{%- endif %}

{%- if is_incremental() %}

-- a new document, or one that was undone, can change the outcome of every other document with the same key
touched as (

    select document_key from delivered
    union
    select document_key from {{ this }} where _batch_id = any(array{{ new_batches() | trim }})

),

earlier as (

    select {{ columns | join(', ') }}
    from {{ this }}
    where document_key in (select document_key from touched)
        and outcome <> 'undone'
        and _batch_id <> all(array{{ new_batches() | trim }})

),
{%- endif %}

documents as (

    select {{ columns | join(', ') or '*' }} from delivered
    {%- if is_incremental() %}
    union all
    select * from earlier
    {%- endif %}

),

{%- if has_nulls or not has_version %}

ordered as (

    {{ in_delivery_order('documents') }}

),
{%- endif %}
{%- if has_nulls and has_version %}

deleted as (

    select
        *,
        first_value(_is_null) over (
            partition by uncastable_reason is null, document_key
            order by {{ last_delivered_first }}
        ) as _is_deleted
    from ordered

),
{%- endif %}
judged as (

    select
        *,
        nullif(concat_ws('; ', {{ (contradictions or ['null']) | join(', ') }}), '') as contradiction
    from {{ ('deleted' if has_nulls else 'documents') if has_version else 'ordered' }}

),

ranked as (

    select
        *,
        row_number() over same_value as delivery_number,
        row_number() over same_key as version_number,
        first_value(_batch_id) over same_value as same_batch_id,
        first_value(_position) over same_value as same_position
    from judged
    window
        same_value as (
            partition by uncastable_reason is null, document_key, document_version, _version_digits, _value_hash
            order by {{ newest_first }}
        ),
        same_key as (
            partition by uncastable_reason is null, document_key
            order by {{ newest_first }}
        )

),

compared as (

    select
        *,
        first_value(_batch_id) over same_key as newest_batch_id,
        first_value(_position) over same_key as newest_position,
        first_value(version_number) over same_key as newest_number,
        first_value(contradiction) over same_key is null as has_newest
    from ranked
    window
        same_key as (
            partition by uncastable_reason is null, document_key
            order by contradiction is not null, version_number
        )

),

classified as (

    select
        *,
        case
            when uncastable_reason is not null then 'uncastable'
            when contradiction is not null and not (has_newest and version_number > newest_number) then 'uncastable'
            when delivery_number > 1 then 'duplicate'
            when version_number > newest_number then 'superseded'
            when is_withdrawn then 'filtered'
            else 'current'
        end as outcome
    from compared

),

final as (

    select
        {{ columns | join(', ') ~ ', outcome' if columns else '*' }},
        case
            when outcome = 'uncastable' then coalesce(uncastable_reason, contradiction)
            {%- if has_nulls %}
            when outcome = 'filtered' and _is_null then 'deleted by its source'
            {%- endif %}
            when outcome = 'filtered' then 'withdrawn by its source'
        end as outcome_reason,
        case outcome when 'duplicate' then same_batch_id when 'superseded' then newest_batch_id end
            as surviving_batch_id,
        case outcome when 'duplicate' then same_position when 'superseded' then newest_position end
            as surviving_position
    from classified

)

select * from final
{% endmacro %}
