"""The declaration, contract and staging model of a small source, for tests of the engine."""

from __future__ import annotations

from typing import Any

CONTRACT: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {}, "changed": {}, "state": {}, "value": {}, "body": {}},
}
DECLARATION = """
source: {source}
description: "{source}."
contract: {source}.schema.json
key: [/id]
version: {version}
withdrawn_when: {{field: /state, values: [gone]}}
"""
STAGING = """
{{% set fields = {{'thing_id': '/id', 'value': '/value', 'revision': '/changed'}} %}}
{{%- set types = {types} %}}

with

source as (

    {{{{ run_documents('{source}') }}}}

),

parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        {{{{ field_texts('{source}', fields) }}}},
        {{{{ is_withdrawn('{source}') }}}} as is_withdrawn,
        {{{{ value_hash() }}}} as _value_hash,
        {{{{ evaluated_once() }}}} as _parsed
    from source

),

checked as (

    select
        *,
        {{{{ uncastable_reason(types, fields, '{source}') }}}} as uncastable_reason,
        {{{{ evaluated_once() }}}} as _checked
    from parsed

),

renamed as (

    select
        {{{{ document_key('{source}', fields, types) }}}} as document_key,
        {{{{ document_version('{source}', fields, types) }}}},
        value,
        is_withdrawn,
        uncastable_reason,
        _value_hash,
        _batch_id,
        _position,
        _fingerprint
    from checked

)

select * from renamed
"""


def versioned(source: str, version_type: str) -> tuple[str, dict[str, Any], str]:
    """Return a source of documents {id, value, changed}, whose version `changed` is of a type."""
    types = {"value": "text", "revision": version_type}
    return DECLARATION.format(source=source, version="/changed"), CONTRACT, STAGING.format(source=source, types=types)


def delivered(source: str) -> tuple[str, dict[str, Any], str]:
    """Return a source of documents {id, value} without a version: the last delivered is current."""
    types = {"value": "text"}
    return DECLARATION.format(source=source, version="delivery"), CONTRACT, STAGING.format(source=source, types=types)


def delivered_beside(source: str) -> tuple[str, dict[str, Any], str]:
    """Return a source of documents {id} in `things` without a version, whose `value` is the `release` beside them."""
    declaration, contract, staging = delivered(source)
    files = 'files: [{pattern: "*.json", layout: records, records_at: /things}]'
    return f"{declaration}{files}\n", contract, staging.replace("'/value'", "'envelope:/release'")


def enveloped(source: str) -> tuple[str, dict[str, Any], str]:
    """Return a source of documents {id, value} in `things`, whose integer version `release` is beside them."""
    declaration = DECLARATION.format(source=source, version="envelope:/release")
    files = 'files: [{pattern: "*.json", layout: records, records_at: /things}]'
    staging = STAGING.format(source=source, types={"value": "text", "revision": "integer"})
    return f"{declaration}{files}\n", CONTRACT, staging.replace("/changed", "envelope:/release")
