"""Rows that encoders take, column by column; those of a data frame by positions, so that no set is copied whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


class FeatureRows(ABC):
    """Rows of features, wherever they come from; encoders take one column at a time."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows."""

    @abstractmethod
    def numbers(self, name: str) -> Any:
        """Return a numeric column as float32; a missing number is NaN."""

    @abstractmethod
    def categories(self, name: str) -> tuple[Any, list[str]]:
        """Return each row's index in a list of texts, and that list; a missing text is -1."""

    @abstractmethod
    def take(self, positions: Any) -> FeatureRows:
        """Return those of these rows that are at the positions."""

    def pieces(self, size: int) -> Iterator[FeatureRows]:
        """Yield the rows in their order, so many at a time."""
        import numpy as np

        for start in range(0, len(self), size):
            yield self.take(np.arange(start, min(start + size, len(self))))


@dataclass(frozen=True)
class FrameRows(FeatureRows):
    """Some rows of a frame: `positions` is None for all of them."""

    frame: Any
    positions: Any = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame) if self.positions is None else len(self.positions)

    def numbers(self, name: str) -> Any:
        """Return a numeric column as float32; a missing number is NaN."""
        return self._chosen(self.frame[name].to_numpy("float32", na_value=float("nan")))

    def categories(self, name: str) -> tuple[Any, list[str]]:
        """Return each row's index in a list of texts, and that list; a missing text is -1."""
        import pandas as pd

        column = self.frame[name]
        if not isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype("category")
        return self._chosen(column.cat.codes.to_numpy()), [str(text) for text in column.cat.categories]

    def take(self, positions: Any) -> FrameRows:
        """Return those of these rows that are at the positions."""
        return FrameRows(self.frame, positions if self.positions is None else self.positions[positions])

    def __reduce__(self) -> Any:
        """Send these rows alone to another process, without texts, such as keys, that nothing learns from."""
        frame = self.frame.select_dtypes(exclude=["object", "str"])
        return FrameRows, (frame if self.positions is None else frame.take(self.positions),)

    def _chosen(self, values: Any) -> Any:
        return values if self.positions is None else values[self.positions]


def as_rows(rows: Any) -> FeatureRows:
    """Return a data frame's rows, or the rows that were given."""
    return rows if isinstance(rows, FeatureRows) else FrameRows(rows)
