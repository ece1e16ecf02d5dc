"""Reads the documents that a producer sends, at the requested rate, and the key of each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from loader.declarations import Source
from loader.documents import read_documents
from streaming.producing.delivery_report import DeliveryReport
from waybill.json_pointers import split_pointer


@dataclass(frozen=True)
class Pace:
    """How fast and how often documents are sent: `rate` a second (None: without a limit), once or in a loop."""

    rate: float | None = None
    loop: bool = False


class Document(NamedTuple):
    """A document to send: its coordinate, its bytes, and its message key, None where it has no business key."""

    coordinate: str
    raw: bytes
    key: bytes | None


def paced_documents(source: Source, files: tuple[str, ...], pace: Pace, report: DeliveryReport) -> Iterator[Document]:
    """Yield the documents of files, no faster than the pace; count unreadable ranges in the report."""
    started, count = time.monotonic(), 0
    while True:
        before = count
        for coordinate, raw in read_documents(source, files):
            if raw is None:
                report.unreadable += 1
                continue
            count += 1
            if pace.rate:
                time.sleep(max(0.0, started + count / pace.rate - time.monotonic()))
            yield Document(coordinate, raw, business_key(source, raw))
        if not pace.loop or count == before:
            return


def business_key(source: Source, raw: bytes) -> bytes | None:
    """Return the values of the source's key as a JSON array; None when the bytes are not JSON or lack a value.

    A document whose key is its value has no message key: equal documents may be in any partition, in any order.
    """
    if not source.key_pointers:
        return None
    try:
        document = orjson.loads(raw)
        return orjson.dumps([_resolve(document, pointer) for pointer in source.key_pointers])
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, LookupError, TypeError, ValueError):
        return None


def _resolve(document: Any, pointer: str) -> Any:
    for name in split_pointer(pointer):
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document
