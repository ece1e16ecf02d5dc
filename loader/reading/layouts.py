"""Recognises the layout of a file from its beginning, so that a reject can name the one that fits."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from loader.declarations import Layout
from waybill.json_pointers import escape_name

BEGINNING_BYTES = 1 << 16
BLANKS = " \t\r\n"
MIN_ELEMENTS = 2  # this many elements, each followed by a comma, are an array whose end is not in sight
MIN_LINES = 2  # so many lines, none of which is an object, belong to an object whose end is not in sight
DECODER = json.JSONDecoder(strict=False)

Kind = Literal["lines", "array", "object", "objects"]


@dataclass(frozen=True)
class FoundLayout:
    """How a file is laid out: one document per line, one array, one object, or objects that are not one per line.

    `is_on_lines` is true if no line is a document. `arrays` points to the arrays of objects in the only object.
    """

    kind: Kind
    is_on_lines: bool = False
    arrays: tuple[str, ...] = ()

    def remedy_for(self, layout: Layout) -> str | None:
        """Return what to do about a file of which this layout lands nothing; None if the layout is the right one."""
        if self.kind == "array":
            return None if layout == "array" else f"this is one JSON array: {_instead('array')}"
        if self.kind == "lines":
            return None if layout == "ndjson" else f"the file has one document per line: {_instead('ndjson')}"
        if self.kind == "objects":
            return (
                "the file has several JSON documents that are not one per line: write them so with `jq -c .`, and "
                f"{_instead('ndjson')}"
            )
        if self.arrays and layout != "records":
            found = self.arrays[0]
            flags = f"--layout records --records-at {shlex.quote(found)}"
            declared = f"declare `layout: records` and `records_at: {found}`"
            return f"if its documents are in {found}, use `{flags}`, or {declared}"
        if self.arrays:
            return f"arrays of objects are at {', '.join(self.arrays)}: use `--records-at`, or correct `records_at`"
        return None if layout == "document" else f"this is one JSON document: {_instead('document')}"


def recognise_layout(beginning: bytes) -> FoundLayout | None:
    """Return the layout that a file's first bytes show; None if they show none for certain."""
    is_whole = len(beginning) < BEGINNING_BYTES
    text = beginning.decode("utf-8", "replace").lstrip("\ufeff").strip(BLANKS if is_whole else "")
    try:
        if text.startswith("["):
            return _array(text, is_whole)
        return _objects(text, is_whole) if text.startswith("{") else None
    except RecursionError:
        return None


def has_object_on_a_line(beginning: bytes) -> bool:
    """Return whether a line of a file's first bytes is an object: then the file has lines, whatever else it has."""
    return any(map(_is_object, beginning.split(b"\n")))


def _array(text: str, is_whole: bool) -> FoundLayout | None:
    """Recognise an array of objects."""
    array = FoundLayout("array", is_on_lines="\n" in text)
    at, elements = _skip_blanks(text, 1), 0
    while found := _value(text, at):
        value, end = found
        mark = text[end : end + 1]
        if not isinstance(value, dict) or mark not in (",", "]", ""):
            return None
        if mark == "]":
            return array if is_whole and end + 1 == len(text) else None
        if not mark:
            break
        elements += 1
        at = _skip_blanks(text, end + 1)
    return array if elements >= MIN_ELEMENTS else None


def _objects(text: str, is_whole: bool) -> FoundLayout | None:
    """Recognise one object, or several one after another."""
    at, first, on_lines, separated = 0, None, [], True
    while found := _value(text, at):
        value, end = found
        if not isinstance(value, dict):
            return None
        first = value if first is None else first
        bare = text[at:end].rstrip(BLANKS)
        on_lines.append("\n" in bare)
        separated = separated and (end == len(text) or "\n" in text[at + len(bare) : end])
        at = end
    if first is None:
        lines = text.split("\n")
        is_pretty = not is_whole and len(lines) > MIN_LINES and not any(map(_is_object, lines))
        arrays = () if is_whole else tuple(_first_array(text))
        return FoundLayout("object", is_pretty, arrays) if is_pretty or arrays else None
    if len(on_lines) == 1 and at == len(text) and is_whole:
        return FoundLayout("object", on_lines[0], tuple(pointer for pointer, _ in arrays_of_objects(first)))
    if not any(on_lines) and separated:
        return FoundLayout("lines") if text.startswith("{", at) or len(on_lines) > 1 else None
    return FoundLayout("objects", all(on_lines)) if len(on_lines) > 1 and (all(on_lines) or not separated) else None


def _value(text: str, at: int) -> tuple[Any, int] | None:
    """Return the JSON value at a position, and where the next character that is not blank follows; None if broken."""
    try:
        value, end = DECODER.raw_decode(text, at)
    except ValueError:
        return None
    return value, _skip_blanks(text, end)


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in BLANKS:
        at += 1
    return at


def _is_object(line: str | bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def arrays_of_objects(value: dict[str, Any], above: str = "") -> Iterator[tuple[str, int]]:
    """Yield pointer and length of the arrays of objects in an object and in the objects in it."""
    for name, member in value.items():
        pointer = f"{above}/{escape_name(name)}"
        if isinstance(member, list) and member and all(isinstance(element, dict) for element in member):
            yield pointer, len(member)
        elif isinstance(member, dict):
            yield from arrays_of_objects(member, pointer)


def _first_array(text: str) -> Iterator[str]:
    """Yield the pointer to the first array of objects that is a member of an object whose end is not in sight."""
    at = _skip_blanks(text, 1)
    while name := _value(text, at):
        colon = name[1]
        at = _skip_blanks(text, colon + 1)
        if not isinstance(name[0], str) or text[colon : colon + 1] != ":":
            return
        if text[at : at + 1] == "[" and text[_skip_blanks(text, at + 1) :][:1] == "{":
            yield f"/{escape_name(name[0])}"
            return
        value = _value(text, at)
        if value is None or text[value[1] : value[1] + 1] != ",":
            return
        at = _skip_blanks(text, value[1] + 1)


def _instead(layout: str) -> str:
    return f"use `--layout {layout}`, or declare `layout: {layout}`"
