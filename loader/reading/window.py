"""A window over a stream: grows while a value is open, finds the value's end, forgets what was handed out."""

from __future__ import annotations

import re

import orjson

from loader.reading.inputs import BrokenStream, Stream

NOT_BLANK = re.compile(rb"[^ \t\r\n]")
BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([\[\]{}"])', re.DOTALL)
SCALAR_END = re.compile(rb"[\s,\]}]")
LIKELY_END = re.compile(rb"\}(?=[ \t\r\n]*(?:,[ \t\r\n]*\{|\]))")
INSIDE_STRING = re.compile(rb'["\\]')
OPENING = (b"{", b"[", b'"')
MISSES_ALLOWED = 100  # guesses of an element's end that may fail before guessing is given up


class FramingBroken(Exception):
    """Raised where no further element can be told apart; what came before stands."""

    def __init__(self, reason: str, detail: str) -> None:
        """Take a reason of the ledger's closed list and words for it."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class TooLarge(Exception):
    """Raised inside the scanner by an element beyond the limit; it is passed over and the next one follows."""


class Window:
    """What of a stream is in memory, and where in it reading goes on."""

    def __init__(self, stream: Stream, max_bytes: int) -> None:
        """Take the stream and the largest element's size in bytes."""
        self._stream = stream
        self._most_bytes = max_bytes
        self._window = b""
        self._at = 0
        self._window_offset: int | None = None
        self._guesses_left = MISSES_ALLOWED
        self._may_guess = True  # until no likely end is left in the window

    @property
    def offset(self) -> int:
        """The byte of the decompressed input that comes next."""
        return (self._window_offset or 0) + self._at

    def _value(self) -> bytes:
        end = self._guessed_end()
        if end is None:
            is_bracketed = self._window[self._at : self._at + 1] in OPENING
            end = self._bracketed_end() if is_bracketed else self._scalar_end()
        value = self._window[self._at : end]
        self._at = end
        return value

    def _guessed_end(self) -> int | None:
        """Guess that an object ends where another seems to begin; it is so if that parses, and costs a tenth."""
        if self._may_guess and self._guesses_left and self._window[self._at : self._at + 1] == b"{":
            likely = LIKELY_END.search(self._window, self._at)
            self._may_guess = likely is not None
            if likely:
                try:
                    orjson.loads(self._window[self._at : likely.end()])
                except orjson.JSONDecodeError:
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
                if mark == b'"':  # the string's end is not in the window yet
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
        """Add to an open element; return where scanning goes on in the new window."""
        if len(self._window) - self._at > self._most_bytes:
            raise TooLarge
        forgotten = self._at
        if not self._more():
            raise FramingBroken("cut_off", "the input ends inside an element")
        return at - forgotten

    def _more(self) -> bool:
        """Add a block to the window; as much again when an element is open already, so that growing costs little."""
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
