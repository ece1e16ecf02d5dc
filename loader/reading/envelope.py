"""The envelope: fields beside the records of an input. Scalar ones are kept once per input, up to 16 KB."""

from __future__ import annotations

import orjson

from loader.reading.byte_ranges import ByteRange

MAX_BYTES = 16 * 1024
MAX_LEFT_OUT = 100  # pointers that are named, of the fields that are not kept


class Envelope:
    """The fields beside the records that were read since they were last taken.

    `fields` has the JSON text of each scalar by pointer, `left_out` the pointers of objects, arrays, what PostgreSQL
    cannot store and what is beyond the limit. The limit applies to what precedes the records and to what follows them.
    The version does not change after the records have begun: the marts may hold the first of them already.
    """

    def __init__(self, version: str | None = None) -> None:
        """Start empty. `version` points to the field that is the version of the records."""
        self.version = version
        self.fields: dict[str, str] = {}
        self.left_out: list[str] = []
        self._bytes_left = MAX_BYTES
        self._has_records = False

    def add(self, pointer: str, element: bytes | ByteRange) -> None:
        """Add a field; the last one of a name counts, as in a document."""
        name = pointer.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()
        if self._has_records and name == self.version:
            return
        self.fields.pop(name, None)
        text = _scalar(element)
        size = len(name) + len(text or "")
        if text is not None and size <= self._bytes_left:
            self._bytes_left -= size
            self.fields[name] = text
        elif len(self.left_out) < MAX_LEFT_OUT and name not in self.left_out:
            self.left_out.append(name[:MAX_BYTES])

    def begin_records(self) -> bool:
        """Start the limit again for what follows the records; return whether the version was found before them."""
        self._bytes_left = MAX_BYTES
        self._has_records = True
        return self.version is None or self.version in self.fields

    def take(self) -> tuple[str | None, str | None]:
        """Return the fields and the pointers left out as JSON texts, None for none, and start empty."""
        members = (f"{orjson.dumps(name).decode()}: {text}" for name, text in self.fields.items())
        fields = f"{{{', '.join(members)}}}" if self.fields else None
        left_out = orjson.dumps(self.left_out).decode() if self.left_out else None
        self.fields, self.left_out = {}, []
        return fields, left_out


def _scalar(element: bytes | ByteRange) -> str | None:
    """Return the JSON text of a string, number, boolean or null that PostgreSQL can store."""
    if isinstance(element, ByteRange) or len(element) > MAX_BYTES or element[:1] in (b"{", b"["):
        return None
    try:
        value = orjson.loads(element)
    except orjson.JSONDecodeError:
        return None
    return None if isinstance(value, str) and "\x00" in value else element.decode()
