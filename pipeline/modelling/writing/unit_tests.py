"""The unit test of the mart of the documents: rows of each outcome go in, those of current documents come out."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.modelling.design import Design

OUTCOMES = ("current", "superseded", "filtered")
EXAMPLES = {
    "integer": "1",
    "bigint": "1",
    "numeric": "1.5",
    "double precision": "1.5",
    "boolean": "true",
    "date": "2020-01-01",
    "timestamp": "2020-01-01 12:00:00",
    "timestamptz": "2020-01-01 12:00:00+00",
    "uuid": "00000000-0000-0000-0000-000000000001",
}
MOST_COLUMNS = 3  # besides the key


@dataclass(frozen=True)
class UnitTest:
    """The rows of the deduplicated documents, and those expected in the mart."""

    given: list[dict[str, str]]
    expected: list[dict[str, str]]


def unit_test(design: Design) -> UnitTest:
    """Return rows of the same values, none of a document; each is of another outcome, and the first one is current."""
    keys = [column for column in design.root.columns if column.name in design.key_columns]
    others = [column for column in design.root.columns if column not in keys and column.sql_type in ("text", *EXAMPLES)]
    row = {column.name: EXAMPLES.get(column.sql_type, "a text") for column in (*keys, *others[:MOST_COLUMNS])}
    if design.value_key_column:
        row = {design.value_key_column: EXAMPLES["uuid"]} | row
    return UnitTest([row | {"outcome": outcome} for outcome in OUTCOMES], [row])
