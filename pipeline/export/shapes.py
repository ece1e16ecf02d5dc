"""The shapes of the exported documents, one file per exported mart: `pipeline/export/shapes/<mart>.yml`.

`members` are the dimensions that a document contains, by foreign key without `_id`, with the columns taken from each.
`document` lists the fields of the document, nested as in the file. A member or a column of the mart fills each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.errors import ExportRefused
from waybill.yaml_files import read_declared

SHAPES = Path(__file__).with_name("shapes")

Row = Mapping[Any, Any]
Member = dict[str, Any]
Build = Callable[[Row, Mapping[str, Member | None]], Any]
Fields = Mapping[str, Any]  # field → column or member, or the fields of a nested object


@dataclass(frozen=True)
class Shape:
    """The shape of one mart's documents, and the file that declares it."""

    mart: str
    file: Path
    members: Mapping[str, tuple[str, ...]]
    fields: Fields

    @cached_property
    def build(self) -> Build:
        """The function that returns the document of a row; a member is None if the row's foreign key is null."""
        return _builder(self.fields, self.members.keys())

    def require_columns(self, columns: set[str]) -> None:
        """Raise ExportRefused if the document names anything but the mart's `columns` and the members."""
        unknown = sorted(set(_names(self.fields)) - columns - self.members.keys())
        if unknown:
            raise ExportRefused(
                f"{self.mart} has no column {', '.join(unknown)}: correct pipeline/export/shapes/{self.file.name}"
            )


class _Declaration(BaseModel):
    """What the file of a shape may hold."""

    model_config = ConfigDict(extra="forbid")

    members: dict[str, tuple[str, ...]] = {}
    document: dict[str, Any] = Field(min_length=1)

    @field_validator("document")
    @classmethod
    def names_columns(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Raise an error for a field that is neither the name of a column or member nor an object of such fields."""
        for name, content in document.items():
            if isinstance(content, dict) and content:
                cls.names_columns(content)
            elif not isinstance(content, str):
                raise ValueError(f"must give {name} the name of a column or a member, or an object of fields")
        return document


def read_shapes() -> list[Shape]:
    """Return the shapes of all exported marts, by name."""
    return [_read_shape(file) for file in sorted(SHAPES.glob("*.yml"))]


def _read_shape(file: Path) -> Shape:
    declared = read_declared(file, _Declaration, ExportRefused)
    return Shape(file.stem, file, declared.members, declared.document)


def _builder(fields: Fields, members: Collection[str]) -> Build:
    """Return a function that builds an object with these fields; an export calls it for every row."""
    takes = {name: _take(content, members) for name, content in fields.items()}
    return lambda row, found: {name: take(row, found) for name, take in takes.items()}


def _take(content: Any, members: Collection[str]) -> Build:
    if isinstance(content, Mapping):
        return _builder(content, members)
    if content in members:
        return lambda row, found: found[content]
    return lambda row, found: row[content]


def _names(fields: Fields) -> Iterator[str]:
    for content in fields.values():
        if isinstance(content, Mapping):
            yield from _names(content)
        else:
            yield content
