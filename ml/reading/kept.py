"""Keeps the rows that training has read, for scoring in the same process, which then need not read them again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml.checking.training_rows import HashedTable
from ml.reading.frame import PIECE_ROWS, stream_rows
from ml.task import Task

_kept: list[tuple[tuple[Any, ...], Any]] = []  # at most one frame


def keep_rows(task: Task, table_digest: str, frame: Any) -> None:
    """Keep the frame, which `read_rows` has read from a table with this digest; drop another that was kept."""
    _kept[:] = [(_name(task, table_digest), frame)]


def drop_rows(task: Task) -> None:
    """Give the memory back if the frame of this task was kept."""
    _kept[:] = [(name, frame) for name, frame in _kept if name[0] != task.task]


def pieces_of_rows(task: Task, hashed: HashedTable) -> Iterator[Any]:
    """Return the rows of a hashed table in pieces: of the kept frame if it has the same columns, else from the mart.

    Raises:
        RowsChanged: the mart was written after it was hashed.
    """
    for name, frame in _kept:
        if name == _name(task, hashed.table_digest):
            return (frame.iloc[start : start + PIECE_ROWS] for start in range(0, len(frame), PIECE_ROWS))
    return stream_rows(task, PIECE_ROWS, hashed)


def _name(task: Task, table_digest: str) -> tuple[Any, ...]:
    """Return what the contents of a frame follow from; the digest is one of these columns."""
    return task.task, task.table, task.columns, task.categorical, table_digest
