"""Recognises how the documents of a file are laid out, and where its records are, by as much of it as is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from loader.checking.formats import recognise_format
from loader.declarations import FilePattern, Layout
from loader.reading.input_files import InputFile
from loader.reading.layouts import BEGINNING_BYTES, arrays_of_objects, has_object_on_a_line, recognise_layout
from loader.reading.streams import BOM, BrokenStream, Stream, open_stream
from pipeline.errors import ModellingRefused
from waybill.json_pointers import split_pointer

# what an array of documents is usually called in the one object of a file, and what is usually beside it
RECORDS = {
    *("data", "records", "results", "result", "items", "rows", "features", "documents", "docs", "hits", "entries"),
    *("objects", "elements", "values", "value", "list", "response", "content", "payload", "resources", "events"),
}
BESIDE = {
    *("page", "pages", "per_page", "total", "count", "size", "limit", "offset", "next", "prev", "previous", "first"),
    *("last", "self", "meta", "metadata", "links", "_links", "paging", "pagination", "status", "code", "message"),
    *("error", "errors", "success", "ok", "type", "version", "copyright", "license", "licence", "generated_at", "took"),
    *("timestamp", "timed_out", "cursor", "has_more", "object", "url", "crs", "name", "bbox", "schema", "info"),
    *("request", "params", "query", "source", "title", "description", "generated", "attribution", "@context"),
}
MIN_RECORDS = 2
SHOWN = 3
MAX_OBJECT_BYTES = 8 << 20  # of a larger object only the beginning is looked at


@dataclass(frozen=True)
class Recognised:
    """The layout of a file. If it is one object: the arrays of objects in it with their lengths, 0 if unknown."""

    layout: Layout
    arrays: tuple[tuple[str, int], ...] = ()
    names: frozenset[str] = frozenset()


def patterns_of(
    inputs: Sequence[InputFile], source: str, layout: Layout | None, records_at: str | None
) -> list[FilePattern]:
    """Return how to read each file.

    Raises:
        ModellingRefused: a file is laid out in a way that cannot be read, or several arrays could be its records.
    """
    if layout is not None and layout != "records":
        return [FilePattern(pattern="*", layout=layout) for _ in inputs]
    if records_at is not None:
        return [FilePattern(pattern="*", layout="records", records_at=records_at) for _ in inputs]
    recognised = [_recognise(found) for found in inputs]
    is_only = layout == "records" or sum(each.layout == "document" for each in recognised) == 1
    patterns = []
    for found, each in zip(inputs, recognised, strict=True):
        pointer = _records_in(each, source, is_only=is_only) if each.layout == "document" else None
        if pointer:
            patterns.append(FilePattern(pattern="*", layout="records", records_at=pointer))
        elif layout == "records" or (is_only and len(each.arrays) > 1):
            arrays = f"arrays of objects are at {_shown(each)}; " if each.arrays else ""
            raise ModellingRefused(
                f"{found.name}: {arrays}give `--records-at` with the pointer to its documents, or `--layout document` "
                "if the file is one document"
            )
        else:
            patterns.append(FilePattern(pattern="*", layout=each.layout))
    return patterns


def _records_in(found: Recognised, source: str, *, is_only: bool) -> str | None:
    """Return the pointer to the records in an object; None if the object is a document itself.

    An array with a usual name, or the name of the source, has the records. Of several objects, only those are not
    documents that have nothing beside the records but what is usually beside them. The only object of all files is not
    a document as long as one array in it has several objects.
    """
    usual = [pointer for pointer, _ in found.arrays if _is_usual(pointer, source)]
    if len(usual) == 1 and (is_only or found.names <= BESIDE | {split_pointer(usual[0])[0]}):
        return usual[0]
    large = [pointer for pointer, length in found.arrays if not 0 < length < MIN_RECORDS]
    return large[0] if is_only and len(large) == 1 and not usual else None


def _is_usual(pointer: str, source: str) -> bool:
    name = pointer.rpartition("/")[2].lower()
    return name in RECORDS or name == source


def _recognise(found: InputFile) -> Recognised:
    with open_stream(found) as stream:
        beginning = stream.beginning(BEGINNING_BYTES).removeprefix(BOM)
        first = beginning.lstrip(b" \t\r\n")[:1]
        if first == b"[" and not recognise_format(beginning):
            return Recognised("array")
        if first != b"{" or recognise_format(beginning):
            return Recognised("ndjson")  # the framing says what is wrong with it
        layout = recognise_layout(beginning)
        if layout and layout.kind == "objects":
            raise ModellingRefused(f"{found.name}: {layout.remedy_for('ndjson')}")
        if layout.kind == "lines" if layout else has_object_on_a_line(beginning):
            return Recognised("ndjson")
        arrays = layout.arrays if layout else ()
        return _whole_object(stream) or Recognised("document", tuple((pointer, 0) for pointer in arrays))


def _whole_object(stream: Stream) -> Recognised | None:
    """Read on to see whether the first line is a document, or the whole file; None if neither is found."""
    content = b""
    try:
        while len(content) <= MAX_OBJECT_BYTES and (block := stream.read()):
            content += block
            line, end, rest = content.partition(b"\n")
            if end and len(line) > len(content) - len(block) - 1 and (first := _object(line)) is not None:
                return Recognised("ndjson") if (rest + stream.read()).strip() else _of_object(first)
    except BrokenStream:
        return None
    whole = _object(content) if len(content) <= MAX_OBJECT_BYTES else None
    return None if whole is None else _of_object(whole)


def _of_object(found: dict[str, Any]) -> Recognised:
    return Recognised("document", tuple(sorted(arrays_of_objects(found))), frozenset(map(str.lower, found)))


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _shown(found: Recognised) -> str:
    pointers = [pointer for pointer, _ in found.arrays]
    return f"{', '.join(pointers[:SHOWN])}{' …' if len(pointers) > SHOWN else ''}"
