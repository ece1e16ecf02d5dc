"""The key of a document in Python, as dbt's column `document_key` has it.

Which pointers the key has, and of which types they are, is stored with each erasure: a key is recognised later even if
the declaration or the models have changed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from loader.declarations import Source
from loader.declared_types import EVERY_FIELD
from loader.erasing.canonical import MAX_CHARACTERS, canonical_text, has_dashes
from loader.erasing.jsonb_text import load_exact, text_of, value_at, value_hash
from waybill.json_pointers import split_pointer

KeyTypes = Sequence[tuple[str, str]]  # pointer and dbt type of each field of a key; none if the value is the key
MAX_TEXT_CHARACTERS = 600  # of all texts of a key together, if there are more than three
BLANKS = " \t\r\n"
TEXT = "text"


class KeyForms(NamedTuple):
    """A document's key: `canonical` if every part has its type, and `delivered` as dbt shows it if not.

    `parts` are the texts of the fields as they were delivered. Both forms are None if no field has a value. If a field
    has none, it is not whole: documents of others can have the same delivered form.
    """

    canonical: str | None = None
    delivered: str | None = None
    parts: tuple[str, ...] = ()
    is_whole: bool = True

    @property
    def identity(self) -> str | None:
        """The form by which the document is erased, and recognised when it arrives again; None if it is not whole."""
        return (self.canonical or self.delivered) if self.is_whole else None

    @property
    def shown(self) -> set[str]:
        """The forms that dbt may show as the document's key."""
        return {form for form in (self.canonical, self.delivered) if form}


NO_KEY = KeyForms()


def text_key_types(source: Source) -> KeyTypes:
    """Return the key's fields as texts, for a source whose types are not known because it has no models."""
    return [(pointer, TEXT) for pointer in source.key_pointers]


class KeyOf:
    """Reads the keys of one source's documents."""

    def __init__(self, source: Source, key_types: KeyTypes) -> None:
        """Take the source, which says what counts as missing, and the key's pointers and types."""
        self._fields = [
            (split_pointer(pointer), kind, _missing_texts(source, pointer), pointer in source.trimmed)
            for pointer, kind in key_types
        ]
        self._is_plain = [field[1:] for field in self._fields] == [(TEXT, [], False)]  # the usual key, read fast

    def of_document(self, raw: bytes | str) -> KeyForms:
        """Return the key of a document's bytes.

        Raises:
            ValueError, RecursionError: they are not JSON.
        """
        if not self._fields:
            key = value_hash(load_exact(raw))
            return KeyForms(key, key)
        try:
            document = orjson.loads(raw)
            values = [value_at(document, names) for names, *_ in self._fields]
            is_exact = not any(isinstance(value, float | dict | list) for value in values)
        except orjson.JSONDecodeError:
            is_exact = False
        if not is_exact:  # orjson rounds numbers, and refuses some that PostgreSQL stores
            document = load_exact(raw)
            values = [value_at(document, names) for names, *_ in self._fields]
        return self.of_values(values)

    @property
    def names(self) -> list[str]:
        """The name of the member that holds each field of the key."""
        return [names[-1] for names, *_ in self._fields]

    def of_message_key(self, raw: bytes | str) -> KeyForms:
        """Return the key that a message without a value names: its message key is an array of the key's values.

        Raises:
            ValueError, RecursionError: it is not JSON.
        """
        values = load_exact(raw)
        is_key = isinstance(values, list) and len(values) == len(self._fields)
        return self.of_values(values) if is_key else NO_KEY

    def of_values(self, values: Sequence[Any]) -> KeyForms:
        """Return the key of the values of its fields, in which numbers are exact."""
        if self._is_plain and isinstance(text := values[0], str) and len(text) <= MAX_CHARACTERS:
            return KeyForms(text or None, text or None, (text,) if text else ())
        fields = [
            (self._present(text_of(value), missing, is_trimmed), kind, isinstance(value, dict | list))
            for value, (_, kind, missing, is_trimmed) in zip(values, self._fields, strict=True)
            if kind != "jsonb"
        ]
        delivered = joined([(text, has_dashes(kind)) for text, kind, _ in fields])[:MAX_CHARACTERS]
        parts = tuple(text for text, *_ in fields if text)
        is_whole = all(text is not None for text, *_ in fields)
        return KeyForms(_canonical(fields), delivered or None, parts, is_whole)

    @staticmethod
    def _present(text: str | None, missing: Sequence[str], is_trimmed: bool) -> str | None:
        text = text.strip(BLANKS) if text is not None and is_trimmed else text
        return None if text in missing else text


def joined(parts: Sequence[tuple[str | None, bool]]) -> str:
    """Join the parts of a key as dbt's macro `joined_key` does; a part is a text, and whether its type has hyphens."""
    given = [(text, dashes) for text, dashes in parts if text is not None]
    free = [text for text, dashes in parts if not dashes]
    if len(parts) > 1 and None not in free and any("-" in (text or "") for text in free):
        given = [(text if dashes else text.replace("~", "~~").replace("-", "~-"), dashes) for text, dashes in given]
    return "-".join(text for text, _ in given)


def _canonical(fields: Sequence[tuple[str | None, str, bool]]) -> str | None:
    """Return the key of fields that are all values of their types: text, type, and whether it is an object or array."""
    texts = [text or "" for text, kind, _ in fields if kind == TEXT]
    if len(texts) > 3 and sum(map(len, texts)) > MAX_TEXT_CHARACTERS:
        return None
    parts: list[tuple[str | None, bool]] = []
    for text, kind, is_nested in fields:
        canonical = None if text is None or is_nested else canonical_text(text, kind)
        if canonical is None:
            return None
        parts.append((canonical, has_dashes(kind)))
    return joined(parts) or None


def _missing_texts(source: Source, pointer: str) -> Sequence[str]:
    """Return the texts that mean that a field is missing; those for all fields are not for key and version."""
    declared, is_special = source.missing_texts, pointer in (*source.key_pointers, source.version)
    if isinstance(declared, dict):
        return declared.get(pointer, [] if is_special else declared.get(EVERY_FIELD, []))
    return [] if is_special else declared
