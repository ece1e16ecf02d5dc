"""The columns of the generated models with their descriptions, in the order in which the models have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.modelling.design import Column, Design, Reference, Table
from pipeline.modelling.writing.rendering import plain

BEFORE = ("document_key", "document_version", "_version_digits")
AFTER = ("is_withdrawn", "uncastable_reason", "_value_hash", "_batch_id", "_position", "_fingerprint")
OUTCOME = ("outcome", "outcome_reason", "surviving_batch_id", "surviving_position")
OUTCOMES_VIEW = (
    "source",
    "document_key",
    "outcome",
    "reason",
    "document_version",
    "_batch_id",
    "_position",
    "_fingerprint",
    "surviving_batch_id",
    "surviving_position",
)
JINJA = re.compile(r"\{[{%#]|\n\Z")  # what dbt renders in the values of a test, or drops from their end
SHARED_TEXTS = {"reason": "outcome_reason"}  # a column that the pipeline adds → the doc block that describes it


@dataclass(frozen=True)
class MartColumn:
    """A column of a mart as its yml describes it; `values` are those that are accepted, `is_required` is never null."""

    name: str
    type: str
    description: str
    is_key: bool = False
    values: tuple[str, ...] = ()
    is_required: bool = False
    reference: Reference | None = None


def described(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return columns that the pipeline adds, each with its description."""
    return [(name, f"{{{{ doc('{SHARED_TEXTS.get(name, name).lstrip('_')}') }}}}") for name in names]


def staging_columns(design: Design, table: Table) -> list[tuple[str, str]]:
    """Return the columns of a table's staging model, each with its description."""
    if table.parent is None:
        key = [(design.value_key_column, VALUE_KEY)] if design.value_key_column else []
        return described(BEFORE) + key + _fields(table) + described(AFTER)
    own = [(str(level.own_key), own_key_text(level)) for level in levels(design, table)]
    return own + _fields(table) + described(("uncastable_reason", "_batch_id", "_position"))


VALUE_KEY = "Key of the document: the hash of its JSON value, equal for every spelling of it."


def mart_columns(design: Design, table: Table) -> Iterator[MartColumn]:
    """Yield the columns of a table's mart: the key, the values, and the document they come from."""
    if design.value_key_column:
        yield MartColumn(design.value_key_column, "uuid", VALUE_KEY, is_key=True)
    root_key = [column for name in design.key_columns for column in design.root.columns if column.name == name]
    for column in root_key:
        yield _mart_column(column, is_key=True)
    for level in levels(design, table):
        kind = "integer" if level.kind == "array" else "text"
        yield MartColumn(str(level.own_key), kind, own_key_text(level), is_key=True)
    for column in table.columns:
        if table.parent is not None or column not in root_key:
            yield _mart_column(column)
    if design.is_dimension and table.parent is None:
        yield MartColumn("is_inferred", "boolean", described(["is_inferred"])[0][1], is_required=True)
    for name, kind in (("_batch_id", "uuid"), ("_position", "bigint")):
        yield MartColumn(name, kind, described([name])[0][1])


def levels(design: Design, table: Table) -> list[Table]:
    """Return the child tables from the first below the documents down to this one; none for the documents' own."""
    return [level for level in design.above(table) if level.parent is not None]


def row_of(table: Table) -> str:
    """Return what a row of a child table is, for comments and descriptions."""
    return f"{'element' if table.kind == 'array' else 'member'} of {plain(table.path)}"


def own_key_text(table: Table) -> str:
    """Return the description of the column that identifies a row within its parent."""
    if table.kind == "array":
        return f"Position of the element in {plain(table.path)}, from 1 on."
    return f"Name of the member of {plain(table.path)}."


def _fields(table: Table) -> list[tuple[str, str]]:
    return [(column.name, _text(column)) for column in table.columns]


def _mart_column(column: Column, *, is_key: bool = False) -> MartColumn:
    values = tuple(value for value, _ in column.values)
    if any(JINJA.search(value) for value in values):
        values = ()
    return MartColumn(
        column.name, column.sql_type, _text(column), is_key=is_key, values=values, reference=column.reference
    )


def _text(column: Column) -> str:
    return f"`{plain(column.path)}`"
