"""Finds the elements of one large JSON array by brackets and strings, block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from loader.reading.byte_ranges import ByteRange
from loader.reading.envelope import Envelope
from loader.reading.streams import Stream
from loader.reading.window import INSIDE_STRING, OPENING, SCALAR_END, FramingBroken, TooLarge, Window
from waybill.json_pointers import escape_name, join_pointer, split_pointer

MAX_MEMBERS = 20  # so many members are named where the records are missing
MAX_NAME = 60
VALUES = {b"{": "an object", b'"': "a string", b"t": "a boolean", b"f": "a boolean", b"n": "null"}
OUTSIDE_STRING = re.compile(rb'["\[\]{}]')


class VersionMissing(Exception):
    """Raised at the records if the field that is their version did not come before them."""


class Scanner(Window):
    """Goes to an array and returns its elements one by one."""

    def __init__(self, stream: Stream, max_bytes: int, envelope: Envelope) -> None:
        """Take the stream, the size limit of an element, and what collects the fields beside the records."""
        super().__init__(stream, max_bytes)
        self._envelope = envelope
        self._skipped: ByteRange | None = None  # the element that is being skipped

    def rest(self) -> ByteRange:
        """Return what was read and not returned, including the beginning of an element that is being skipped."""
        rest = self._skipped or ByteRange(self.offset)
        rest.add(self._window[self._at :])
        return rest

    def is_blank(self) -> bool:
        """Return True if nothing but blanks follows."""
        return self._peek() == b""

    def elements(self, pointer: str, *, is_resumed: bool = False) -> Iterator[tuple[int, bytes | ByteRange]]:
        """Yield first byte and bytes of each element of the array at a JSON pointer; the byte range of one too large.

        `is_resumed` is true if the stream starts right after an element of that array.

        Raises:
            VersionMissing: the envelope's version does not precede the array.
            FramingBroken: the array is missing or cut off, or the next element cannot be found.
        """
        names = split_pointer(pointer)
        if not is_resumed:
            for depth, name in enumerate(names):
                self._enter_member(name, join_pointer(names[:depth]))
            if pointer and (mark := self._peek()) not in (b"[", b""):
                found = VALUES.get(mark, "a number")
                raise FramingBroken("not_json", f"{pointer} is {found}, not an array: correct `records_at`")
            self._expect(b"[", "an array")
            if not self._envelope.begin_records():
                raise VersionMissing
        if is_resumed or self._peek() != b"]":
            yield from self._comma_separated(is_resumed)
        else:
            self._at += 1
        for depth, name in reversed(list(enumerate(names))):
            self._leave_member(name, join_pointer(names[:depth]))
        if self._peek() != b"":
            raise FramingBroken("not_json", f"something follows the end of the {'object' if names else 'array'}")

    def _comma_separated(self, is_resumed: bool) -> Iterator[tuple[int, bytes | ByteRange]]:
        while True:
            if not is_resumed:
                self._peek()
                first_byte = self.offset
                yield first_byte, self._element()
            is_resumed = False
            mark = self._peek()
            if mark == b"]":
                self._at += 1
                return
            self._expect(b",", "a comma or the array's end")
            if self._peek() == b"]":
                raise FramingBroken("not_json", "a comma before the array's end")

    def _enter_member(self, wanted: str, above: str) -> None:
        self._expect(b"{", "an object")
        members: list[str] = []
        while self._peek() == b'"':
            name = self._name()
            if name == wanted:
                return
            members.append(repr(name[:MAX_NAME]))
            self._envelope.add(f"{above}/{escape_name(name)}", self._element())
            if self._peek() != b",":
                break
            self._at += 1
        more = f" and {len(members) - MAX_MEMBERS} more" if len(members) > MAX_MEMBERS else ""
        exist = f"; its members are {', '.join(members[:MAX_MEMBERS])}{more}" if members else ""
        raise FramingBroken("not_json", f"no member {wanted!r} where the records were expected{exist}")

    def _leave_member(self, taken: str, above: str) -> None:
        """Skip from a member's value to the end of its object."""
        while self._peek() == b",":
            self._at += 1
            name = self._name()
            if name == taken:
                raise FramingBroken("not_json", f"a second member {taken!r} after the one that was read")
            self._envelope.add(f"{above}/{escape_name(name)}", self._element())
        self._expect(b"}", "a comma or the object's end")

    def _name(self) -> str:
        """Return a member's name, and skip the colon before its value."""
        if self._peek() not in (b'"', b""):
            raise FramingBroken("not_json", "a member's name is missing")
        try:
            name = self._value()
        except TooLarge:
            raise FramingBroken("too_large", f"a member's name of more than {self.max_bytes} bytes") from None
        self._expect(b":", "a colon")
        self._peek()
        try:
            return str(orjson.loads(name))
        except orjson.JSONDecodeError:
            raise FramingBroken("not_json", "a member's name is broken") from None

    def _element(self) -> bytes | ByteRange:
        try:
            return self._value()
        except TooLarge:
            return self._measure_element()

    def _measure_element(self) -> ByteRange:
        """Skip an element that is too large, in constant memory: only nesting depth and string state are kept."""
        self._skipped = rest = ByteRange(self.offset)
        is_scalar = self._window[self._at : self._at + 1] not in OPENING
        depth, in_string, at = 0, False, self._at
        while True:
            expression = SCALAR_END if is_scalar else INSIDE_STRING if in_string else OUTSIDE_STRING
            found = expression.search(self._window, at)
            if found is None:
                rest.add(self._window[self._at :])
                beyond = max(at - len(self._window), 0)
                self._at = len(self._window)
                if not self._more():
                    raise FramingBroken("cut_off", "the input ends inside an element")
                at = beyond
                continue
            mark, at = found.group(), found.start() if is_scalar else found.end()
            if mark == b"\\":
                at += 1
                continue
            if mark == b'"':
                in_string = not in_string
            elif not is_scalar:
                depth += 1 if mark in OPENING else -1
            if is_scalar or (depth == 0 and not in_string):
                rest.add(self._window[self._at : at])
                self._at, self._skipped = at, None
                return rest
