"""Reads what `waybill erase` was asked for, and finds it, before anything is changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import connection as Connection

from loader.declarations import read_source
from loader.erasing.conditions import parse_condition
from loader.erasing.erase import require_same_secret, unfinished
from loader.erasing.finding import find, find_shown
from loader.erasing.secret import make_secret, read_secret
from loader.erasing.wanted import Found, Wanted
from loader.errors import EraseRefused
from warehouse.connection import connect
from waybill.cli import shown_command
from waybill.settings import get_settings
from waybill.text import counted

BARRED = "select key_hash from ledger.barred_keys where source = %s and key_hash = any(%s)"
MAX_NAMED = 5


@dataclass(frozen=True)
class Asked:
    """The arguments: keys, conditions on fields, and a file of keys."""

    source: str
    keys: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    keys_file: Path | None = None

    def all_keys(self) -> frozenset[str]:
        """Return the keys of the arguments and of the file.

        Raises:
            EraseRefused: nothing is asked for, or the file cannot be used.
        """
        keys = frozenset(self.keys) | (read_keys(self.keys_file) if self.keys_file else frozenset())
        if not keys and not self.where:
            example = shown_command(f"erase {self.source} --where /email=a@example.org")
            raise EraseRefused(f"nothing to erase is named: give keys of {self.source}, --keys FILE, or `{example}`")
        if "" in keys:
            raise EraseRefused("a key is empty: give each key as the marts show it")
        return keys


def read_keys(path: Path) -> frozenset[str]:
    """Return the keys in a file, one a line; `-` is standard input.

    Raises:
        EraseRefused: it cannot be read, is not UTF-8, or has no key.
    """
    try:
        content = sys.stdin.buffer.read() if path == Path("-") else path.read_bytes()
        lines = content.decode("utf-8-sig").split("\n")
    except OSError as error:
        raise EraseRefused(f"the file of keys {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise EraseRefused(f"the file of keys {path} is not UTF-8 at byte {error.start}: write it as UTF-8") from None
    keys = frozenset(line.removesuffix("\r") for line in lines if line.strip())
    if not keys:
        raise EraseRefused(f"the file of keys {path} has no key: write one in each line, as the marts show it")
    return keys


def read_wanted(asked: Asked, *, makes_secret: bool) -> Wanted:
    """Return what is to be looked for, without the types of the key; with `makes_secret`, a secret is made.

    Raises:
        EraseRefused: nothing is asked for, a condition is wrong, or the secret is missing or another one.
        SourceUnknown: the source is not declared.
    """
    source, settings = read_source(asked.source), get_settings()
    keys, where = asked.all_keys(), tuple(map(parse_condition, asked.where))
    with closing(connect("keeper")) as keeper, keeper, keeper.cursor() as cursor:
        require_same_secret(cursor, found := read_secret(settings))
    secret = make_secret(settings) if makes_secret else found
    return Wanted(source, (), keys, where=where, secret=secret)


def find_asked(wanted: Wanted) -> Found:
    """Find the documents and rejects that are asked for.

    Raises:
        EraseRefused: no document has one of the keys, and it was not erased before, or nothing meets the conditions.
    """
    with closing(connect("reader")) as reader:
        found = find(reader, wanted)
    with closing(connect("keeper")) as keeper:
        erased = _already_erased(keeper, wanted, found.missing)
        is_interrupted = any(one.source == wanted.name for one in unfinished(keeper))
    if unknown := [key for key in found.missing if key not in erased]:
        with closing(connect("reader")) as reader:
            find_shown(reader, found, unknown)
    if unknown := [key for key in found.missing if key not in erased]:
        raise EraseRefused(_describe_unknown(wanted, unknown))
    if found.is_empty and wanted.where and not is_interrupted:
        pointers = " and ".join(condition.pointer for condition in wanted.where)
        raise EraseRefused(
            f"no document of {wanted.name} has the value that was given at {pointers}; nothing was erased: check the "
            "pointer and the value, which are compared exactly"
        )
    return found


def without_key_lines(found: Found) -> Iterator[str]:
    """Yield that documents without a whole key can land again, if there are any: only a whole key can be barred."""
    if number := len(found.without_key):
        named = counted(number, "document has", "documents have")
        yield f"{named} no value in a field of the key, and can land again: take such documents out of their sources"


def _already_erased(keeper: Connection, wanted: Wanted, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that are barred."""
    if wanted.secret is None:
        return set()
    hashes = {wanted.hash(key): key for key in keys}
    with keeper, keeper.cursor() as cursor:
        cursor.execute(BARRED, [wanted.name, list(hashes)])
        return {hashes[bytes(key_hash)] for (key_hash,) in cursor.fetchall()}


def _describe_unknown(wanted: Wanted, unknown: Sequence[str]) -> str:
    named = ", ".join(unknown[:MAX_NAMED]) + (f" and {len(unknown) - MAX_NAMED} more" if unknown[MAX_NAMED:] else "")
    of = f" (of {counted(len(wanted.keys), 'key')})" if len(wanted.keys) > 1 else ""
    fields = " and ".join(pointer for pointer, _ in wanted.key_types) or "a hash of the document"
    hyphens = ", with hyphens between the values" if len(wanted.key_types) > 1 else ""
    return f"no document of {wanted.name} has the key {named}{of}; nothing was erased: a key is {fields}{hyphens}"
