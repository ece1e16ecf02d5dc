"""Reads what `waybill erase` was asked for, and finds it, before anything is changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from loader.declarations import read_source
from loader.erasing.conditions import parse_condition
from loader.erasing.finding import find
from loader.erasing.secret import make_secret, read_secret
from loader.erasing.wanted import Found, Wanted
from loader.errors import EraseRefused
from pipeline.erasing.key_types import find_key_types
from pipeline.erasing.lineage import Lineage
from warehouse.connection import connect
from waybill.cli import shown_command
from waybill.settings import get_settings
from waybill.text import counted

BARRED = """
select bars.key_hash, bars.erasure_id::text from ledger.barred_keys as bars
where bars.source = %s and bars.key_hash = any(%s)
"""
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
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise EraseRefused(f"the file of keys {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise EraseRefused(f"the file of keys {path} is not UTF-8 at byte {error.start}: write it as UTF-8") from None
    keys = frozenset(line for line in lines if line.strip())
    if not keys:
        raise EraseRefused(f"the file of keys {path} has no key: write one in each line, as the marts show it")
    return keys


def wanted_of(asked: Asked, lineage: Lineage, *, makes_secret: bool) -> Wanted:
    """Return what is to be looked for; with `makes_secret`, a secret is made if there is none.

    Raises:
        EraseRefused: nothing is asked for, a condition is wrong, or the secret cannot be read.
        SourceUnknown: the source is not declared.
    """
    source, settings = read_source(asked.source), get_settings()
    keys, where = asked.all_keys(), tuple(map(parse_condition, asked.where))
    secret = make_secret(settings) if makes_secret else read_secret(settings)
    return Wanted(source, find_key_types(source, lineage.nodes, lineage.macros), keys, where=where, secret=secret)


def find_asked(wanted: Wanted) -> Found:
    """Find the documents and rejects that are asked for.

    Raises:
        EraseRefused: no document has one of the keys, and it was not erased before, or nothing meets the conditions.
    """
    with closing(connect("reader")) as reader:
        found = find(reader, wanted)
    before = already_erased(wanted, found.missing)
    unknown = [key for key in found.missing if key not in before]
    if unknown:
        raise EraseRefused(_describe_unknown(wanted, unknown))
    return found


def already_erased(wanted: Wanted, keys: Sequence[str]) -> dict[str, str]:
    """Return key → erasure, for those of the keys that are barred."""
    if wanted.secret is None or not keys:
        return {}
    hashes = {wanted.hash(key): key for key in keys}
    with closing(connect("keeper")) as keeper, keeper, keeper.cursor() as cursor:
        cursor.execute(BARRED, [wanted.name, list(hashes)])
        return {hashes[bytes(key_hash)]: erasure_id for key_hash, erasure_id in cursor.fetchall()}


def _describe_unknown(wanted: Wanted, unknown: Sequence[str]) -> str:
    named = ", ".join(unknown[:MAX_NAMED]) + (f" and {len(unknown) - MAX_NAMED} more" if unknown[MAX_NAMED:] else "")
    of = f" (of {counted(len(wanted.keys), 'key')})" if len(wanted.keys) > 1 else ""
    key = " and ".join(pointer for pointer, _ in wanted.key_types) or "the document's value"
    return (
        f"no document of {wanted.name} has the key {named}{of}; nothing was erased: a key is {key}, with hyphens "
        "between several values, as the marts show it"
    )


def without_missing(wanted: Wanted, found: Found) -> Wanted:
    """Return the same without keys that were erased before."""
    return replace(wanted, keys=wanted.keys - set(found.missing))
