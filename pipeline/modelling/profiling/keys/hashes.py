"""Hashes of 128 bits: of whole documents and of the values of fields. Equal values have equal hashes, in any chunk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from pipeline.modelling.profiling.reading.exact_numbers import plain

Hashes = npt.NDArray[np.uint64]  # two columns

HASH_BYTES = 16
LARGE_FLOAT = 1e16  # floats from here on are whole numbers already, see `load_exactly`
SMALL = range(-(1 << 63), 1 << 63)
LANES = np.array([0x9E3779B97F4A7C15, 0xD1B54A32D192ED03], dtype=np.uint64)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def hash_documents(documents: Sequence[Any]) -> Hashes:
    """Return the hashes of documents. Neither the order of members nor the spelling of numbers makes a difference."""
    digests = b"".join(_digest(_canonical(document)) for document in documents)
    return np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)


def hash_values(values: Sequence[Any]) -> Hashes:
    """Return the hashes of strings, integers or booleans."""
    if set(map(type, values)) == {int} and min(values) in SMALL and max(values) in SMALL:
        return _mixed(np.array(values, dtype=np.int64).astype(np.uint64)[:, None] ^ LANES)
    digests = {value: _value_digest(value) for value in dict.fromkeys(values)}
    return np.frombuffer(b"".join(map(digests.__getitem__, values)), dtype=np.uint64).reshape(-1, 2)


def combined(columns: Sequence[Hashes]) -> Hashes:
    """Return the hashes of the rows of several columns."""
    found = columns[0]
    for column in columns[1:]:
        found = _mixed(_mixed(found * SECOND + LANES) + column)
    return found


@dataclass(frozen=True)
class Column:
    """A column of hashes in a file."""

    path: Path

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.path.stat().st_size // HASH_BYTES

    def rows(self, start: int, end: int) -> Hashes:
        """Read some rows."""
        count = 2 * (end - start)
        return np.fromfile(self.path, dtype=np.uint64, count=count, offset=start * HASH_BYTES).reshape(-1, 2)


def column_name(pointer: str) -> str:
    """Return the name of a field's column: it is a file's name, too."""
    return hash_values([pointer]).tobytes().hex()


class HashColumns:
    """Columns of hashes in files, which memory never holds as a whole."""

    def __init__(self, folder: Path) -> None:
        """Take an empty folder."""
        self._folder = folder

    def append(self, name: str, hashes: Hashes) -> None:
        """Add hashes to a column."""
        with (self._folder / name).open("ab") as file:
            file.write(hashes.tobytes())

    def column(self, name: str) -> Column:
        """Return a column to read."""
        return Column(self._folder / name)

    def remove(self, name: str) -> None:
        """Remove a column."""
        (self._folder / name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all columns."""
        for path in self._folder.iterdir():
            path.unlink()


def _mixed(numbers: Hashes) -> Hashes:
    """Return numbers in which each bit depends on all bits of the given ones (the finaliser of splitmix64)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * FIRST
    numbers = (numbers ^ (numbers >> np.uint64(27))) * SECOND
    return numbers ^ (numbers >> np.uint64(31))


def _value_digest(value: Any) -> bytes:
    if type(value) is str:
        return _digest(b"s" + value.encode("utf-8", "surrogatepass"))
    if type(value) is bool:
        return _digest(b"b1" if value else b"b0")
    whole = int(value)  # 1.0 is the integer 1
    if whole in SMALL:
        return _mixed(np.array([whole], dtype=np.int64).astype(np.uint64)[:, None] ^ LANES).tobytes()
    return _digest(b"i" + plain(Decimal(value)).encode())


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=HASH_BYTES).digest()


def _canonical(document: Any) -> bytes:
    try:
        text = orjson.dumps(document, default=_decimal, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # nested too deep for orjson
        return "\0".join(_tokens(document)).encode("utf-8", "surrogatepass")
    if b".0" in text:
        text = orjson.dumps(_whole(document), default=_decimal, option=orjson.OPT_SORT_KEYS)
    return text


def _whole(value: Any) -> Any:
    """Return a value in which each number without a fraction is an integer."""
    if type(value) is dict:
        return {name: _whole(member) for name, member in value.items()}
    if type(value) is list:
        return [_whole(element) for element in value]
    if type(value) is float and abs(value) < LARGE_FLOAT and value.is_integer():
        return int(value)
    return value


def _decimal(number: Decimal) -> Any:
    return {"\0": plain(number)}  # no document that can be landed has such a name


def _tokens(document: Any) -> list[str]:
    """Return a spelling of a document of any depth."""
    tokens: list[str] = []
    todo = [document]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            tokens.append(f"object {len(value)}")
            for name in sorted(value):
                tokens.append(name)
                todo.append(value[name])
        elif isinstance(value, list):
            tokens.append(f"array {len(value)}")
            todo += value
        elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            tokens.append(f"number {plain(Decimal(repr(value)) if type(value) is float else Decimal(value))}")
        else:
            tokens.append(f"{type(value).__name__} {value}")
    return tokens
