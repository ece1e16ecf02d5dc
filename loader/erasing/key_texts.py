"""Recognises the values of a key in bytes that are no whole document, such as a line that was cut off."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property

ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")


@dataclass(frozen=True)
class KeyText:
    """The texts of all fields of a key; `key` is the key that was asked for, if only that is known."""

    parts: tuple[str, ...]
    key: str | None = None

    def is_in(self, raw: bytes) -> bool:
        """Return whether bytes hold all texts, none of them within a longer word or number."""
        return bool(self._patterns) and all(pattern.search(raw) for pattern in self._patterns)

    @cached_property
    def _patterns(self) -> list[re.Pattern[bytes]]:
        return [_pattern(part) for part in self.parts if part]


def text_of_key(key: str, fields: int) -> KeyText:
    """Return the texts in a key that no document has: a key of several fields is taken apart at its hyphens."""
    parts = (key,) if fields < 2 else tuple(key.replace("~-", "-").replace("~~", "~").split("-"))
    return KeyText(parts, key)


def _pattern(text: str) -> re.Pattern[bytes]:
    spellings = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    encoded = {
        spelling.encode(encoding, "replace")
        for spelling in spellings
        for encoding in ENCODINGS
        if encoding != "latin-1" or spelling.encode("latin-1", "replace").decode("latin-1") == spelling
    }
    return re.compile(
        b"(?<![0-9A-Za-z])(?:" + b"|".join(re.escape(spelling) for spelling in sorted(encoded)) + b")(?![0-9A-Za-z])"
    )
