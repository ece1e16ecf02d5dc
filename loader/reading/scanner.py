"""Finds where the elements of one large JSON array begin and end, by its brackets and strings, block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from loader.reading.inputs import Stream
from loader.reading.ranges import Rest
from loader.reading.window import INSIDE_STRING, OPENING, SCALAR_END, FramingBroken, TooLarge, Window
from waybill.json_pointers import split_pointer

OUTSIDE_STRING = re.compile(rb'["\[\]{}]')


class Scanner(Window):
    """Walks to an array and hands out its elements one by one."""

    def __init__(self, stream: Stream, max_bytes: int) -> None:
        """Take the stream and the largest element's size in bytes."""
        super().__init__(stream, max_bytes)
        self._passing: Rest | None = None

    def rest(self) -> Rest:
        """Return the measure of what was read and not handed out, with the element that was being passed over."""
        rest = self._passing or Rest(self.offset)
        rest.add(self._window[self._at :])
        return rest

    def is_blank(self) -> bool:
        """Whether nothing but blanks follows."""
        return self._peek() == b""

    def elements(self, pointer: str, *, is_behind_one: bool = False) -> Iterator[tuple[int, bytes | Rest]]:
        """Yield first byte and bytes of each element of the array at a JSON pointer; of a too large one its measure.

        `is_behind_one` says that the stream begins right behind an element of that array.

        Raises:
            FramingBroken: the array is not there, breaks off, or its elements cannot be told apart any more.
        """
        names = split_pointer(pointer)
        if not is_behind_one:
            for name in names:
                self._enter_member(name)
            self._expect(b"[", "an array")
        if is_behind_one or self._peek() != b"]":
            yield from self._separated(is_behind_one)
        else:
            self._at += 1
        for name in reversed(names):
            self._leave_member(name)
        if self._peek() != b"":
            raise FramingBroken("not_json", f"something follows the end of the {'object' if names else 'array'}")

    def _separated(self, is_behind_one: bool) -> Iterator[tuple[int, bytes | Rest]]:
        while True:
            if not is_behind_one:
                self._peek()
                first_byte = self.offset
                yield first_byte, self._element()
            is_behind_one = False
            mark = self._peek()
            if mark == b"]":
                self._at += 1
                return
            self._expect(b",", "a comma or the array's end")
            if self._peek() == b"]":
                raise FramingBroken("not_json", "a comma before the array's end")

    def _enter_member(self, wanted: str) -> None:
        self._expect(b"{", "an object")
        while self._peek() == b'"':
            if self._name() == wanted:
                return
            self._element()
            if self._peek() != b",":
                break
            self._at += 1
        raise FramingBroken("not_json", f"no member {wanted!r} where the records should stand")

    def _leave_member(self, taken: str) -> None:
        """Go on from a member's value to the end of its object."""
        while self._peek() == b",":
            self._at += 1
            if self._name() == taken:
                raise FramingBroken("not_json", f"a second member {taken!r} behind the one that was taken")
            self._element()
        self._expect(b"}", "a comma or the object's end")

    def _name(self) -> str:
        """Return a member's name, and pass over the colon to its value."""
        if self._peek() not in (b'"', b""):
            raise FramingBroken("not_json", "a member's name is missing")
        try:
            name = self._value()
        except TooLarge:
            raise FramingBroken("too_large", f"a member's name of more than {self._most_bytes} bytes") from None
        self._expect(b":", "a colon")
        self._peek()
        try:
            return str(orjson.loads(name))
        except orjson.JSONDecodeError:
            raise FramingBroken("not_json", "a member's name is broken") from None

    def _element(self) -> bytes | Rest:
        try:
            return self._value()
        except TooLarge:
            return self._passed_over()

    def _passed_over(self) -> Rest:
        """Pass over an element that is too large, in flat memory: depth and string are all that is remembered."""
        self._passing = rest = Rest(self.offset)
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
                self._at, self._passing = at, None
                return rest
