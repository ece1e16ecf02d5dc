"""The shapes of the exported documents, one file per exported mart: `pipeline/export/shapes/<mart>.yml`.

`members` are the dimensions that a document contains, by foreign key without `_id`, with the columns taken from each.
`document` lists the fields of the document, nested as in the file. A member or a column of the mart fills each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ExportRefused

SHAPES = Path(__file__).with_name("shapes")

Row = Mapping[Any, Any]
Member = dict[str, Any]
Fields = Mapping[str, Any]  # field → column or member, or the fields of a nested object


@dataclass(frozen=True)
class Shape:
    """The shape of one mart's documents, and the file that declares it."""

    mart: str
    file: Path
    members: Mapping[str, tuple[str, ...]]
    fields: Fields

    def build(self, row: Row, members: Mapping[str, Member | None]) -> dict[str, Any]:
        """Return the document of a row; the value of a member is None if the row's foreign key is null."""
        return _build(self.fields, {**row, **members})

    def require_columns(self, columns: set[str]) -> None:
        """Raise ExportRefused if the document names anything but the mart's `columns` and the members."""
        unknown = sorted(set(_names(self.fields)) - columns - self.members.keys())
        if unknown:
            raise ExportRefused(
                f"{self.mart} has no column {', '.join(unknown)}: correct pipeline/export/shapes/{self.file.name}"
            )


def read_shapes() -> list[Shape]:
    """Return the shapes of all exported marts, by name."""
    return [_read_shape(file) for file in sorted(SHAPES.glob("*.yml"))]


def _read_shape(file: Path) -> Shape:
    content = yaml.safe_load(file.read_text())
    members = {name: tuple(columns) for name, columns in (content.get("members") or {}).items()}
    return Shape(file.stem, file, members, content["document"])


def _build(fields: Fields, values: Row) -> dict[str, Any]:
    return {
        name: _build(content, values) if isinstance(content, Mapping) else values[content]
        for name, content in fields.items()
    }


def _names(fields: Fields) -> Iterator[str]:
    for content in fields.values():
        if isinstance(content, Mapping):
            yield from _names(content)
        else:
            yield content
