"""Recognises the values of keys in bytes that are no whole document, such as a line that was cut off."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from typing import Any

from loader.erasing.jsonb_text import load_exact
from loader.erasing.keys import KeyForms, KeyOf

ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
WORDS = re.compile(rb"[0-9A-Za-z]+")
SPELLED_ALIKE = re.compile(r"[ !#-\[\]-~]+")  # by JSON and all these encodings, but for NUL bytes
ESCAPE = re.compile(r"\\u([0-9a-f]{4})")
MEMBER = r'"{}"\s*:\s*("(?:[^"\\]|\\.)*"|true|false|-?[0-9][0-9.eE+-]*)'
WORD = re.compile(r"""[^\s"',;|(){}\[\]]+""")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)+)"')
MAX_KEYS = 1_000  # in bytes that are no document: a range can hold many of them
MIN_CHARACTERS = 4  # of a text with a letter, without a field name before it: shorter ones match by chance
MIN_DIGITS = 10  # of a number without a field name before it
NUMBER = re.compile(r"[-+.:0-9]+")  # and dates and times


@dataclass(frozen=True)
class KeyText:
    """The texts of the fields of a key that have a value, and the names of all fields."""

    parts: tuple[str, ...]
    names: tuple[str, ...]

    def is_in(self, raw: bytes) -> bool:
        """Return whether bytes hold all texts, none of them within a longer word or number."""
        return bool(self._patterns) and all(pattern.search(raw) for pattern in self._patterns)

    def is_named_in(self, raw: bytes) -> bool:
        """Return whether bytes hold all texts, those that match by chance each after the name of a field."""
        raw = raw.replace(b"\0", b"")
        names = b"|".join(re.escape(name.encode("utf-8", "surrogatepass")) for name in self.names)
        return all(
            is_telling(part) or re.search(rb"(?<![0-9A-Za-z_])(?:%b)\W{1,6}(?:%b)" % (names, pattern.pattern), raw)
            for part, pattern in zip(filter(None, self.parts), self._patterns, strict=True)
        )

    @property
    def word(self) -> bytes | None:
        """A word that all bytes with these texts hold; None if that is not known."""
        texts = [part for part in self.parts if SPELLED_ALIKE.fullmatch(part)]
        words = [word for text in texts for word in WORDS.findall(text.encode())]
        return max(words, key=len, default=None)

    @cached_property
    def _patterns(self) -> list[re.Pattern[bytes]]:
        return [_pattern(part) for part in self.parts if part]


class KeyTexts:
    """The texts of many keys, found in bytes by their words instead of one after the other."""

    def __init__(self, texts: Iterable[KeyText]) -> None:
        """Take the texts."""
        self._by_word: dict[bytes | None, list[KeyText]] = defaultdict(list)
        for text in texts:
            self._by_word[text.word].append(text)

    def found_in(self, raw: bytes) -> list[KeyText]:
        """Return those of the texts that bytes hold."""
        words = set(WORDS.findall(raw)) | set(WORDS.findall(raw.replace(b"\0", b"")))
        candidates = [text for word in (None, *words) if word in self._by_word for text in self._by_word[word]]
        return [text for text in candidates if text.is_in(raw)]


def keys_in_pieces(key_of: KeyOf, raw: bytes) -> Iterator[KeyForms]:
    """Yield the keys that seem to be in bytes that are not a document: values after the names of the key's fields.

    If the key is one field, every word and quoted text that does not match by chance may be one.
    """
    yield from named_keys(key_of, raw)
    yield from words_as_keys(key_of, raw)


def named_keys(key_of: KeyOf, raw: bytes) -> Iterator[KeyForms]:
    """Yield the keys whose values are after the names of their fields."""
    values = [_values_of(name, _text(raw)) for name in key_of.names]
    return map(key_of.of_values, islice(product(*values), MAX_KEYS if values else 0))


def words_as_keys(key_of: KeyOf, raw: bytes) -> Iterator[KeyForms]:
    """Yield the keys that words and quoted texts would be, if the key is one field."""
    if len(key_of.names) == 1:
        pieces = {*WORD.findall(text := _text(raw)), *QUOTED.findall(text)}
        yield from (key_of.of_values([piece]) for piece in pieces if is_telling(piece))


def is_telling(text: str) -> bool:
    """Return whether a text is hardly in bytes by chance: it is long enough, and neither a date nor a small number."""
    if NUMBER.fullmatch(text):
        return text.isdecimal() and len(text) >= MIN_DIGITS
    return len(text) >= MIN_CHARACTERS


def _text(raw: bytes) -> str:
    return raw.replace(b"\0", b"").decode("utf-8", "replace")


def _values_of(name: str, text: str) -> list[Any]:
    found = []
    for literal in re.findall(MEMBER.format(re.escape(json.dumps(name, ensure_ascii=False)[1:-1])), text):
        with suppress(ValueError):
            found.append(load_exact(literal))
    return found


def _pattern(text: str) -> re.Pattern[bytes]:
    escaped = json.dumps(text)[1:-1]
    upper = ESCAPE.sub(lambda found: f"\\u{found[1].upper()}", escaped)
    spellings = {text, escaped, upper, json.dumps(text, ensure_ascii=False)[1:-1]}
    encoded = {
        spelling.encode(encoding, "surrogatepass")
        for spelling in spellings
        for encoding in ENCODINGS
        if encoding != "latin-1" or max(map(ord, spelling)) < 256
    }
    return re.compile(
        b"(?<![0-9A-Za-z])(?:" + b"|".join(re.escape(spelling) for spelling in sorted(encoded)) + b")(?![0-9A-Za-z])"
    )
