"""Nulls of a source that declares `tombstone: delete`: each lands as jsonb null, with its message key beside it.

The bytes of a null are those of its message key, which our producer writes as a JSON array of the values of the
business key. A null whose key cannot be read so names no document: it is a reject.
"""

from __future__ import annotations

import math
from typing import Any

import orjson

from loader.checking.checker import RejectReason
from loader.declarations import Source
from loader.landing.batch import AnyFeed, Batch
from loader.reading.byte_ranges import rejected

MESSAGE_KEY = "(message key)"  # the pointer of such a reject: what is wrong is not in the document, which is null


def add_null(batch: Batch[AnyFeed], position: int, message_key: bytes | None) -> None:
    """Add a null to a batch: to be landed, or as a reject."""
    reason = key_problem(batch.feed.source, message_key)
    if reason:
        batch.rejects.append(rejected(position, 0, message_key or b"", reason))
    else:
        batch.add_null(position, message_key or b"")


def key_problem(source: Source, message_key: bytes | None) -> RejectReason | None:
    """Return the reason to reject a null, or None if its message key has the values of the source's business key."""
    if not source.tombstone:
        return RejectReason(
            "breaks_contract", "a null, and the source does not declare `tombstone: delete`", MESSAGE_KEY
        )
    names = ", ".join(source.key_pointers)
    try:
        values: Any = orjson.loads(message_key or b"")
    except orjson.JSONDecodeError:
        return RejectReason("not_json", f"a null whose key is not a JSON array with {names}", MESSAGE_KEY)
    if not isinstance(values, list) or len(values) != len(source.key_pointers):
        return RejectReason("breaks_contract", f"a null whose key is not a JSON array with {names}", MESSAGE_KEY)
    wrong = next((name for name, value in zip(source.key_pointers, values, strict=True) if not _is_scalar(value)), None)
    if wrong:
        return RejectReason(
            "breaks_contract", f"a null whose key has no text, number or boolean for {wrong}", MESSAGE_KEY
        )
    return None


def _is_scalar(value: Any) -> bool:
    """Return True for a value that can be part of a key, and that PostgreSQL can store."""
    if isinstance(value, str):
        return "\x00" not in value
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
