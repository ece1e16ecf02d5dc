"""Finds where the elements of one large JSON array begin and end, by its brackets and strings, block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from loader.inputs import BrokenStream, Stream

NOT_BLANK = re.compile(rb"[^ \t\r\n]")
TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{}]', re.DOTALL)
SCALAR_END = re.compile(rb"[\s,\]}]")


class FramingBroken(Exception):
    """Raised where no further element can be told apart; what came before stands."""

    def __init__(self, reason: str, detail: str) -> None:
        """Take a reason of the ledger's closed list and words for it."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Scanner:
    """A window over a stream that grows while an element is open and forgets what was handed out."""

    def __init__(self, stream: Stream, most_bytes: int) -> None:
        """Take the stream and the largest element's size in bytes."""
        self._stream = stream
        self._most_bytes = most_bytes
        self._window = b""
        self._at = 0
        self._window_offset: int | None = None

    @property
    def offset(self) -> int:
        """The byte of the decompressed input that comes next."""
        return (self._window_offset or 0) + self._at

    def remaining(self) -> bytes:
        """Return what is in the window and was not handed out."""
        return self._window[self._at :]

    def is_blank(self) -> bool:
        """Whether nothing but blanks follows."""
        return self._peek() == b""

    def elements(self, pointer: str) -> Iterator[tuple[int, bytes]]:
        """Yield first byte and bytes of each element of the array at a JSON pointer.

        Raises:
            FramingBroken: the array is not there, breaks off, or its elements cannot be told apart any more.
        """
        for name in [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]:
            self._enter_member(name)
        self._expect(b"[", "an array")
        if self._peek() == b"]":
            self._at += 1
        else:
            yield from self._separated()
        if not pointer and self._peek() != b"":
            raise FramingBroken("not_json", "something follows the end of the array")

    def _separated(self) -> Iterator[tuple[int, bytes]]:
        while True:
            self._peek()
            first_byte = self.offset
            yield first_byte, self._value()
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
            name = self._value()
            self._expect(b":", "a colon")
            self._peek()
            try:
                found = orjson.loads(name)
            except orjson.JSONDecodeError:
                raise FramingBroken("not_json", "a member's name is broken") from None
            if found == wanted:
                return
            self._value()
            if self._peek() != b",":
                break
            self._at += 1
        raise FramingBroken("not_json", f"no member {wanted!r} where the records should stand")

    def _value(self) -> bytes:
        end = (
            self._bracketed_end() if self._window[self._at : self._at + 1] in (b"{", b"[", b'"') else self._scalar_end()
        )
        value = self._window[self._at : end]
        self._at = end
        return value

    def _bracketed_end(self) -> int:
        depth, at = 0, self._at
        while True:
            for token in TOKEN.finditer(self._window, at):
                mark = token.group()[:1]
                at = token.end()
                if mark == b'"':
                    if token.end() - token.start() == 1:  # the string's end is not in the window yet
                        at = token.start()
                        break
                elif mark in b"[{":
                    depth += 1
                else:
                    depth -= 1
                if depth == 0:
                    return at
            at = self._grow(at)

    def _scalar_end(self) -> int:
        at = self._at
        while True:
            end = SCALAR_END.search(self._window, at)
            if end:
                if end.start() == self._at:
                    raise FramingBroken("not_json", "an element is missing")
                return end.start()
            at = self._grow(len(self._window))

    def _peek(self) -> bytes:
        """Pass over blanks and return the next byte; empty at the end."""
        while True:
            start = NOT_BLANK.search(self._window, self._at)
            self._at = start.start() if start else len(self._window)
            if start:
                return start.group()
            if not self._more():
                return b""

    def _expect(self, mark: bytes, words: str) -> None:
        found = self._peek()
        if found == mark:
            self._at += 1
        elif found == b"":
            raise FramingBroken("cut_off", f"the input ends where {words} should stand")
        else:
            raise FramingBroken("not_json", f"{found.decode(errors='replace')!r} stands where {words} should")

    def _grow(self, at: int) -> int:
        """Add a block to an open element; return where scanning goes on in the new window."""
        if len(self._window) - self._at > self._most_bytes:
            raise FramingBroken("too_large", f"an element of more than {self._most_bytes} bytes")
        forgotten = self._at
        if not self._more():
            raise FramingBroken("cut_off", "the input ends inside an element")
        return at - forgotten

    def _more(self) -> bool:
        try:
            block = self._stream.read()
        except BrokenStream as error:
            raise FramingBroken("cut_off", str(error)) from None
        if self._window_offset is None:
            self._window_offset = self._stream.offset
        if not block:
            return False
        self._window_offset += self._at
        self._window = self._window[self._at :] + block
        self._at = 0
        return True
