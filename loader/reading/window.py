"""A window over a stream: it grows until a value's end is found, and drops the values that were returned."""

from __future__ import annotations

import re

import orjson

from loader.reading.streams import BrokenStream, Stream

NOT_BLANK = re.compile(rb"[^ \t\r\n]")
BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([\[\]{}"])', re.DOTALL)
SCALAR_END = re.compile(rb"[\s,\]}]")
LIKELY_END = re.compile(rb"\}(?=[ \t\r\n]*(?:,[ \t\r\n]*\{|\]))")
INSIDE_STRING = re.compile(rb'["\\]')
OPENING = (b"{", b"[", b'"')
MAX_WRONG_GUESSES = 100  # after this number of wrong guesses of an element's end, only brackets are counted


class FramingBroken(Exception):
    """Raised where no further element can be found. The elements before are valid."""

    def __init__(self, code: str, detail: str) -> None:
        """Take a code from the ledger's closed list of reasons, and the details in words."""
        super().__init__(detail)
        self.code = code
        self.detail = detail


class TooLarge(Exception):
    """Raised inside the scanner by an element over the size limit. The scanner skips it and continues."""


class Window:
    """The part of a stream that is in memory, and the offset in it where scanning continues."""

    def __init__(self, stream: Stream, max_bytes: int) -> None:
        """Take the stream and the size limit of an element."""
        self._stream = stream
        self.max_bytes = max_bytes
        self._window = b""
        self._at = 0
        self._window_offset: int | None = None
        self._guesses_left = MAX_WRONG_GUESSES
        self._may_guess = True  # False while the window has no further likely end

    @property
    def offset(self) -> int:
        """The next byte of the decompressed input."""
        return (self._window_offset or 0) + self._at

    def _value(self) -> bytes:
        """Return the next value's bytes."""
        end = self._guessed_end()
        if end is None:
            is_bracketed = self._window[self._at : self._at + 1] in OPENING
            end = self._bracketed_end() if is_bracketed else self._scalar_end()
        value = self._window[self._at : end]
        self._at = end
        return value

    def _guessed_end(self) -> int | None:
        """Guess that an object ends where another one seems to begin; the guess is right if the bytes in between parse.

        This takes a tenth of the time that counting brackets takes.
        """
        if self._may_guess and self._guesses_left and self._window[self._at : self._at + 1] == b"{":
            likely = LIKELY_END.search(self._window, self._at)
            self._may_guess = likely is not None
            if likely:
                try:
                    orjson.loads(self._window[self._at : likely.end()])
                except Exception:  # a wrong guess, or a document that the checker rejects
                    self._guesses_left -= 1
                else:
                    return likely.end()
        return None

    def _bracketed_end(self) -> int:
        depth, at = 0, self._at
        if self._window[at : at + 1] == b'"':
            return self._string_end()
        while True:
            while token := BRACKET.match(self._window, at):
                mark = token.group(1)
                if mark == b'"':  # the end of the string is not in the window yet
                    at = token.start(1)
                    break
                at = token.end()
                depth += 1 if mark in OPENING else -1
                if depth == 0:
                    return at
            at = self._grow(at)

    def _string_end(self) -> int:
        at = self._at + 1
        while True:
            while found := INSIDE_STRING.search(self._window, at):
                at = found.end()
                if found.group() == b'"':
                    return at
                at += 1
            at = self._grow(max(at, len(self._window)))

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
        """Skip blanks and return the next byte, empty at the end."""
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
            raise FramingBroken("cut_off", f"the input ends where {words} was expected")
        else:
            raise FramingBroken("not_json", f"found {found.decode(errors='replace')!r} where {words} was expected")

    def _grow(self, at: int) -> int:
        """Read more of an open element; return where scanning continues in the new window."""
        if len(self._window) - self._at > self.max_bytes:
            raise TooLarge
        dropped = self._at
        if not self._more():
            raise FramingBroken("cut_off", "the input ends inside an element")
        return at - dropped

    def _more(self) -> bool:
        """Add at least as many bytes as the open element has, so that a long element is copied only a few times."""
        blocks = [self._window[self._at :]]
        size = 0
        try:
            while (block := self._stream.read()) and (size := size + len(block)):
                blocks.append(block)
                if size >= len(blocks[0]):
                    break
        except BrokenStream as error:
            if len(blocks) == 1:
                raise FramingBroken("cut_off", str(error)) from None
        if self._window_offset is None:
            self._window_offset = self._stream.offset
        if len(blocks) == 1:
            return False
        self._window_offset += self._at
        self._window = b"".join(blocks)
        self._may_guess = True
        self._at = 0
        return True
