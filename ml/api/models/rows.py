"""The rows of a request, for encoders: one dictionary a row, without a data frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml.encoding.frame_rows import FeatureRows

Row = Mapping[str, float | str | None]  # feature → value


class Rows(FeatureRows):
    """Rows that each map a feature's name to its value; None is missing, and so is an empty text, as in a mart."""

    def __init__(self, rows: Sequence[Row]) -> None:
        """Take the rows, each with all features that are asked for; nothing is copied."""
        self._rows = rows
        self._matrices: dict[tuple[str, ...], Any] = {}  # the parts of a blend ask for the same one

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def numbers(self, name: str) -> Any:
        """Return a numeric column as float32; a missing number is NaN."""
        return self.number_matrix([name])[0]

    def number_matrix(self, names: Sequence[str]) -> Any:
        """Return numeric columns as float32, one matrix row a column; a missing number is NaN."""
        import numpy as np

        asked = tuple(names)
        if asked not in self._matrices:
            values = [[row[name] for row in self._rows] for name in asked]
            doubles = np.array(values, dtype="float64").reshape(len(asked), len(self._rows))
            self._matrices[asked] = doubles.astype("float32")
        return self._matrices[asked]

    def texts(self, name: str) -> list[str | None]:
        """Return a categorical column; a missing text is None."""
        return [row[name] or None for row in self._rows]  # type: ignore[misc]

    def categories(self, name: str) -> tuple[Any, list[str]]:
        """Return each row's index in a list of texts, and that list; a missing text is -1."""
        import numpy as np

        column = self.texts(name)
        texts = sorted({text for text in column if text is not None})
        numbers: dict[str | None, int] = {None: -1, **{text: number for number, text in enumerate(texts)}}
        return np.array([numbers[text] for text in column], dtype="int32"), texts

    def take(self, positions: Any) -> Rows:
        """Return those of these rows that are at the positions."""
        return Rows([self._rows[position] for position in positions])
