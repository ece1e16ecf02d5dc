"""Finds the values of repeated keys, of which only the hashes are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import orjson

from pipeline.modelling.profiling.keys.search import Candidate, hashes_of
from pipeline.modelling.profiling.profile import KeyCandidate
from pipeline.modelling.profiling.reading.exact_numbers import plain

MAX_CANDIDATES = 5


def key_candidates(
    candidates: Sequence[Candidate], different: int, chunks: Iterator[list[dict[str, Any]]]
) -> tuple[KeyCandidate, ...]:
    """Return the candidates with their repeated keys; documents are read only until all of these are found."""
    values: dict[tuple[int, bytes], str] = {}
    wanted = {(number, text) for number, each in enumerate(candidates) for _, text in each.found.examples}
    while len(values) < len(wanted) and (chunk := next(chunks, None)):
        for number, each in enumerate(candidates):
            missing = {text for at, text in wanted - values.keys() if at == number}
            if missing:
                values |= {(number, text): spelled for text, spelled in _found(each, chunk, missing)}
    return tuple(
        KeyCandidate(
            pointers=tuple(field.pointer for field in each.fields),
            documents=different,
            repeats=each.found.repeats,
            examples=tuple((values[number, text], count) for count, text in each.found.examples),
        )
        for number, each in enumerate(candidates)
    )


def _found(candidate: Candidate, chunk: Sequence[Any], missing: set[bytes]) -> Iterator[tuple[bytes, str]]:
    """Yield the hashes that are in a chunk, with the key as a JSON array."""
    hashes = hashes_of(candidate.fields, chunk)
    firsts = np.array([np.frombuffer(text, dtype=np.uint64)[0] for text in missing], dtype=np.uint64)
    for row in np.flatnonzero(np.isin(hashes[:, 0], firsts)).tolist():
        text = hashes[row].tobytes()
        if text in missing:
            yield text, orjson.dumps([_plain(*field.values([chunk[row]])) for field in candidate.fields]).decode()


def _plain(value: Any) -> Any:
    """Return a value as JSON can show it: 1.0 is the integer 1."""
    if isinstance(value, float):
        return int(value)
    return plain(value) if isinstance(value, Decimal) else value
