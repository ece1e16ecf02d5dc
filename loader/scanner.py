"""Finds where the elements of one large JSON array begin and end, by its brackets and strings, block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from loader.inputs import BrokenStream, Stream
from loader.ranges import Rest

NOT_BLANK = re.compile(rb"[^ \t\r\n]")
BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([\[\]{}"])', re.DOTALL)
SCALAR_END = re.compile(rb"[\s,\]}]")
LIKELY_END = re.compile(rb"\}(?=[ \t\r\n]*(?:,[ \t\r\n]*\{|\]))")
INSIDE_STRING = re.compile(rb'["\\]')
OUTSIDE_STRING = re.compile(rb'["\[\]{}]')
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


class Scanner:
    """A window over a stream that grows while an element is open and forgets what was handed out."""

    def __init__(self, stream: Stream, most_bytes: int) -> None:
        """Take the stream and the largest element's size in bytes."""
        self._stream = stream
        self._most_bytes = most_bytes
        self._window = b""
        self._at = 0
        self._window_offset: int | None = None
        self._guesses_left = MISSES_ALLOWED
        self._may_guess = True  # until no likely end is left in the window
        self._passing: Rest | None = None

    @property
    def offset(self) -> int:
        """The byte of the decompressed input that comes next."""
        return (self._window_offset or 0) + self._at

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
        names = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
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
