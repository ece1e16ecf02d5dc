"""Reads a task's rows from its mart into a data frame, at once or in pieces."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ml.checking.training_rows import HashedTable, expect_rows
from ml.columns import read_column_types
from ml.reading.binary_copy import Piece, Rows
from ml.reading.checks import check_numbers, count_rows
from ml.reading.in_thread import taken_from
from ml.reading.selection import NO_BLOCK, Selection, select_columns
from ml.task import Task
from warehouse.connection import cursor_of

SET = "_set_of_split"  # the column of the frame with a labelled row's set: an index of ml.sets.SETS, or -1 for none
BLOCK = "_block"  # the column with a row's block of the bootstrap: a day, a group or the row itself
PIECE_ROWS = 20_000
SNAPSHOT = "set transaction isolation level repeatable read, read only"  # counted and read: the same rows


def read_rows(task: Task, expected: HashedTable | None = None) -> Any:
    """Return all rows as a pandas data frame, in the order of the split's time, if there is one, and the key.

    Key columns are text. Label and categorical features are `category`: sorted texts as PostgreSQL writes them; null
    and an empty text are missing. Numeric features are float32: rounded to 7 digits, smaller than 1e-45 is zero, null
    is NaN. SET is int8, -1 for a row in no set. BLOCK is int32: the day since 1970 in UTC, the group's number in order
    of appearance, or the row's number.

    Raises:
        NothingToLearn, TaskBroken: as `hash_training_rows` raises them; a key is null or repeats; a number is infinite
            or above 3.4e38.
        RowsChanged: the table is not as it was hashed, if its hash is given.
    """
    with cursor_of("trainer") as cursor:
        cursor.execute(SNAPSHOT)
        if expected:
            expect_rows(cursor, task, expected)
        selection = select_columns(task, read_column_types(cursor, task))
        frame = _Frame(task, selection, count_rows(cursor, task), {None: NO_BLOCK}, 0)
        _copy(cursor, selection, PIECE_ROWS, frame.add)
    return frame.finished()


def stream_rows(task: Task, size: int = PIECE_ROWS, expected: HashedTable | None = None) -> Generator[Any]:
    """Yield the frame of `read_rows` in pieces of at most `size` rows; only a few pieces are in memory at once.

    A piece has the categories of its own rows only, so the code of a text may differ from one piece to the next.

    Raises:
        NothingToLearn, TaskBroken: as `read_rows` raises them; wrong numbers when their piece is reached.
        RowsChanged: as `read_rows` raises it, before the first piece.
    """
    with cursor_of("trainer") as cursor:
        cursor.execute(SNAPSHOT)
        if expected:
            expect_rows(cursor, task, expected)
        selection = select_columns(task, read_column_types(cursor, task))
        count_rows(cursor, task)
        groups: dict[bytes | None, int] = {None: NO_BLOCK}
        first = 0
        with taken_from(cursor, lambda take: _copy(cursor, selection, size, take)) as pieces:
            for piece in pieces:
                frame = _Frame(task, selection, len(piece), groups, first)
                frame.add(piece)
                first += len(piece)
                yield frame.finished()


def _copy(cursor: Any, selection: Selection, size: int, take: Any) -> None:
    """Copy all rows and hand them over in pieces."""
    rows = Rows(len(selection.numbers), len(selection.texts), size, take)
    cursor.copy_expert(selection.statement.as_string(cursor), rows)
    rows.finish()


class _Frame:
    """Arrays of the final size, filled piece by piece, so that no value is in memory twice."""

    def __init__(
        self, task: Task, selection: Selection, rows: int, groups: dict[bytes | None, int], first: int
    ) -> None:
        import numpy as np

        self._task, self._names, self._groups, self._first = task, selection.texts, groups, first
        self._rows = 0
        self._numbers = np.empty((len(selection.numbers), rows), np.float32)
        self._sets, self._blocks = np.empty(rows, np.int8), np.empty(rows, np.int32)
        categories = [task.label, *task.categorical]
        self._codes = {name: np.empty(rows, np.int32) for name in categories}
        self._values: dict[str, dict[bytes | None, int]] = {name: {None: -1} for name in categories}
        self._keys = {name: np.empty(rows, object) for name in task.key if name not in categories}

    def add(self, piece: Piece) -> None:
        """Put the next rows into the arrays."""
        import numpy as np

        check_numbers(self._task, piece.numbers)
        rows = slice(self._rows, self._rows + len(piece))
        self._numbers[:, rows] = piece.numbers.T
        self._sets[rows], self._blocks[rows] = piece.sets, piece.blocks
        if self._task.split.kind == "random":
            self._blocks[rows] = np.arange(rows.start, rows.stop) + self._first
        for name, texts in zip(self._names, piece.texts, strict=True):
            if name is None:
                self._blocks[rows] = _codes_of(texts, self._groups)
            elif name in self._codes:
                self._codes[name][rows] = _codes_of(texts, self._values[name])
            else:
                self._keys[name][rows] = [(text or b"").decode() for text in texts]
        self._rows = rows.stop

    def finished(self) -> Any:
        """Return the frame; the numbers are one block of the arrays, not a copy."""
        import pandas as pd

        frame = pd.DataFrame(self._numbers.T, columns=self._task.numeric, copy=False)
        for number, name in enumerate(self._keys):
            frame.insert(number, name, self._keys[name])
        for name, codes in self._codes.items():
            frame[name] = _as_category(codes, self._values[name])
        frame[SET], frame[BLOCK] = self._sets, self._blocks
        return frame


def _codes_of(texts: list[bytes | None], known: dict[bytes | None, int]) -> Any:
    """Return the number of each text, in order of appearance; a new text gets the next number, None has one."""
    import numpy as np

    for text in dict.fromkeys(texts):
        known.setdefault(text, len(known) - 1)
    return np.fromiter(map(known.__getitem__, texts), np.int32, len(texts))


def _as_category(codes: Any, known: dict[bytes | None, int]) -> Any:
    """Return the column of the texts with these codes, with sorted categories."""
    import numpy as np
    import pandas as pd

    texts = sorted(text for text in known if text is not None)
    place = np.empty(len(texts) + 1, np.int32)  # the last one is of the code -1
    place[[known[text] for text in texts]], place[-1] = np.arange(len(texts)), -1
    dtype = pd.CategoricalDtype([text.decode() for text in texts])
    return pd.Categorical.from_codes(place[codes], dtype=dtype)
