"""Counts repeated rows of hashes exactly, a part of the hashes at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.modelling.profiling.keys.hashes import Column, Hashes, combined

ROWS_AT_A_TIME = 1 << 20
SAMPLE_ROWS = 20_000
MAX_EXAMPLES = 3

Kept = npt.NDArray[np.bool_]  # for each row whether it counts: whole repeated documents count once


@dataclass(frozen=True)
class Repeats:
    """How many rows repeat an earlier one, and the hashes that are repeated most often, with their counts."""

    repeats: int
    examples: tuple[tuple[int, bytes], ...] = ()


def first_of_each(column: Column) -> Kept:
    """Return for each row whether no earlier row has the same hash."""
    kept = np.ones(len(column), dtype=np.bool_)
    for rows, hashes in _parts([column], None):
        if _has_repeats(hashes):
            order = np.lexsort((rows, hashes[:, 1], hashes[:, 0]))
            ordered = hashes[order]
            kept[rows[order[1:][(ordered[1:] == ordered[:-1]).all(axis=1)]]] = False
    return kept


def count_repeats(columns: Sequence[Column], kept: Kept) -> Repeats:
    """Count the rows that repeat an earlier one of those that are kept."""
    repeats = 0
    examples: list[tuple[int, bytes]] = []
    for _, hashes in _parts(columns, kept):
        if not _has_repeats(hashes):
            continue
        ordered = hashes[np.lexsort((hashes[:, 1], hashes[:, 0]))]
        starts = np.flatnonzero(np.concatenate(([True], (ordered[1:] != ordered[:-1]).any(axis=1))))
        counts = np.diff(starts, append=len(ordered))
        repeats += len(ordered) - len(starts)
        most = np.argsort(-counts, kind="stable")[:MAX_EXAMPLES]
        examples += [(int(counts[at]), ordered[starts[at]].tobytes()) for at in most if counts[at] > 1]
    examples.sort(key=lambda example: (-example[0], example[1]))
    return Repeats(repeats, tuple(examples[:MAX_EXAMPLES]))


class Sample:
    """A few of the rows that are kept, chosen by the hashes of their documents, so that no order matters."""

    def __init__(self, documents: Column, kept: Kept) -> None:
        """Choose the rows."""
        share = min(SAMPLE_ROWS / max(int(kept.sum()), 1), 1.0)
        limit = np.uint64(min(int(share * (1 << 64)), (1 << 64) - 1))
        self._chosen = kept.copy()
        for start, end in _ranges(len(documents)):
            self._chosen[start:end] &= documents.rows(start, end)[:, 0] <= limit
        self._rows: dict[Path, Hashes] = {}

    def share_of_repeats(self, columns: Sequence[Column]) -> float:
        """Return the share of rows that repeat an earlier one: if it is not 0, the whole columns have repeats, too."""
        hashes = combined([self._of(column) for column in columns])
        return 1 - len(np.unique(hashes[:, 0])) / len(hashes) if len(hashes) else 0.0

    def _of(self, column: Column) -> Hashes:
        if column.path not in self._rows:
            parts = [column.rows(start, end)[self._chosen[start:end]] for start, end in _ranges(len(column))]
            self._rows[column.path] = np.concatenate(parts)
        return self._rows[column.path]


def _parts(columns: Sequence[Column], kept: Kept | None) -> Iterator[tuple[npt.NDArray[np.int64], Hashes]]:
    """Yield row numbers and hashes; all rows with the same hash are in one part."""
    rows = len(columns[0])
    parts = -(-rows // ROWS_AT_A_TIME)
    for part in range(parts):
        numbers, found = [], []
        for start, end in _ranges(rows):
            hashes = combined([column.rows(start, end) for column in columns])
            chosen = np.ones(end - start, dtype=np.bool_) if kept is None else kept[start:end]
            if parts > 1:
                chosen = chosen & (hashes[:, 1] % np.uint64(parts) == part)
            numbers.append(np.flatnonzero(chosen) + start)
            found.append(hashes[chosen])
        yield np.concatenate(numbers), np.concatenate(found)


def _ranges(rows: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + ROWS_AT_A_TIME, rows)) for start in range(0, rows, ROWS_AT_A_TIME))


def _has_repeats(hashes: Hashes) -> bool:
    """Return whether two hashes may be equal: by their first halves, which is fast."""
    halves = np.sort(hashes[:, 0])
    return bool((halves[1:] == halves[:-1]).any())
