"""What is to be erased, and what was found of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from loader.declarations import Source
from loader.erasing.conditions import Condition
from loader.erasing.keys import KeyForms, KeyTypes
from loader.erasing.secret import key_hash


class FoundDocument(NamedTuple):
    """A document in a raw table, and the name of the input that it came from."""

    batch_id: str
    position: int
    input_name: str = ""

    @property
    def coordinate(self) -> str:
        """The coordinate as `why` takes it."""
        return f"{self.input_name}:{self.position}"


class FoundReject(NamedTuple):
    """A reject that holds one of the documents, and how that is known.

    key      its bytes are a document with one of the keys, or one of the documents was landed from it by a replay
    text     its bytes are not one whole document, and hold the values of a key as text
    chance   the same, but the values are so short, or numbers without a field name, that they may be there by chance
    perhaps  only its beginning was kept, which does not hold them: nobody can tell
    """

    batch_id: str
    position: int
    input_name: str
    how: Literal["key", "text", "chance", "perhaps"]

    @property
    def coordinate(self) -> str:
        """The coordinate as `why` takes it."""
        return f"{self.input_name}:{self.position}"

    @property
    def doubt(self) -> str:
        """Why a reject is only named."""
        if self.how == "chance":
            return "holds the values of a key, perhaps by chance: look at it yourself"
        return "is a reject of which only the beginning was kept: nobody can tell what it held"


@dataclass(frozen=True)
class Wanted:
    """What is to be erased from one source: documents by their keys, by hashes of keys, or by the values of fields.

    Documents that meet all conditions `where` are found together with all documents of their keys. `positions` are
    batch and position of documents and rejects that are erased whatever they hold, to do an erasure again. `secret` is
    what hashes are made with; to look for keys only, none is needed.
    """

    source: Source
    key_types: KeyTypes
    keys: frozenset[str] = frozenset()
    hashes: frozenset[bytes] = frozenset()
    where: tuple[Condition, ...] = ()
    positions: frozenset[tuple[str, int]] = frozenset()
    secret: bytes | None = None

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.source.source

    def hash(self, key: str) -> bytes:
        """Return the hash of a key of the source."""
        return key_hash(self.secret or b"", self.name, key)

    def has_hash_of(self, key: str) -> bool:
        """Return whether the hash of a key is one of those to look for."""
        return bool(self.hashes) and self.hash(key) in self.hashes


@dataclass
class Found:
    """What was found of it. `keys` are all keys to erase and bar, `matched` those asked for that something has.

    `parts` are the texts of the fields of these keys. `shown` are keys that only dbt has, after an undo. `perhaps`
    may hold one of the documents or not. `without_key` are documents whose key is missing, or a part of it: they cannot
    be recognised when they arrive again. `other_sources` have documents under the same text as key. `batches` were
    looked at, with `documents_read` and `rejects_read`.
    """

    wanted: Wanted
    keys: set[str] = field(default_factory=set)
    matched: set[str] = field(default_factory=set)
    parts: set[tuple[str, ...]] = field(default_factory=set)
    documents: dict[tuple[str, int], FoundDocument] = field(default_factory=dict)
    rejects: list[FoundReject] = field(default_factory=list)
    perhaps: list[FoundReject] = field(default_factory=list)
    without_key: set[tuple[str, int]] = field(default_factory=set)
    other_sources: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    batches: set[str] = field(default_factory=set)
    documents_read: int = 0
    rejects_read: int = 0

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to erase."""
        return not self.documents and not self.rejects and not self.shown

    @property
    def missing(self) -> list[str]:
        """The keys asked for that no document and no reject has."""
        return sorted(self.wanted.keys - self.matched)

    @property
    def hashes(self) -> frozenset[bytes]:
        """The hashes of the keys to bar: those that were asked for, and those of all keys that were found."""
        return self.wanted.hashes | {self.wanted.hash(key) for key in self.keys}

    def has(self, forms: KeyForms) -> bool:
        """Return whether a document with this key is to be erased."""
        return bool(forms.shown & self.wanted.keys) or self.knows(forms)

    def knows(self, forms: KeyForms) -> bool:
        """Return whether a document or a reject has this key, or its hash is to be erased."""
        if forms.identity in self.keys:
            return True
        return forms.identity is not None and self.wanted.has_hash_of(forms.identity)

    def add(self, forms: KeyForms) -> None:
        """Add the key of a document that is to be erased, and the form of it that was asked for."""
        asked = forms.shown & self.wanted.keys
        self.matched |= asked
        self.keys |= asked
        if forms.identity:
            self.keys.add(forms.identity)
            if forms.parts:
                self.parts.add(forms.parts)
