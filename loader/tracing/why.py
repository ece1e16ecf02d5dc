"""Answers `why`: what happened to a source document, or which document a row of a mart was made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from loader.errors import CoordinateUnknown
from loader.tracing.facts import FullLineage
from loader.tracing.lineage import read_full_lineage
from loader.tracing.search import FoundInputs, documents_at, find_by_row, find_inputs, key_of, losses_at
from loader.tracing.snapshot import Snapshot
from loader.tracing.terminal import lineage_lines, loss_lines
from warehouse.connection import connect
from waybill.text import whole_number

NO_DOCUMENT = {
    "file": "the line is blank",
    "replay": "its row is gone from the raw table",
    "kafka": "it is a tombstone or a transaction's marker, or compaction or an aborted transaction left it empty",
}


def why(coordinate: str) -> list[str]:
    """Return what happened to the document at `FILE:POSITION` or `TOPIC:PARTITION:OFFSET`, a sentence a line.

    Raises:
        CoordinateUnknown: it is not a coordinate, or nothing there was ever landed, rejected or accepted as lost.
    """
    name, _, written = coordinate.rpartition(":")
    position = whole_number(written)
    if not name or position is None:
        raise CoordinateUnknown(
            f"{coordinate!r} is not a coordinate: give FILE:POSITION, such as data/raw/cafes.ndjson:12, or TABLE KEY"
        )
    with Snapshot(connect("reader")) as snapshot:
        return list(_lines_at(snapshot, name, position))


def why_row(table: str, key: tuple[str, ...]) -> list[str]:
    """Return what happened to the document that a row of a mart, or a prediction, was made from.

    Raises:
        CoordinateUnknown: there is no such table or row, or its rows cannot be traced to documents.
    """
    with Snapshot(connect("reader")) as snapshot:
        return _lines_of_row(snapshot, table.rpartition(".")[2], key)


def why_row_named(table: str, key: dict[str, str]) -> list[str]:
    """Return the same as `why_row` for a key that is given by column, in any order."""
    with Snapshot(connect("reader")) as snapshot:
        columns = key_of(snapshot, table)
        if set(columns) != set(key):
            raise CoordinateUnknown(f"the key of {table} is {', '.join(columns)}, not {', '.join(key)}")
        return _lines_of_row(snapshot, table, tuple(key[name] for name in columns))


def _lines_of_row(snapshot: Snapshot, table: str, key: tuple[str, ...]) -> list[str]:
    mart, document = find_by_row(snapshot, table, key)
    if document is None:
        return [f"marts.{mart} {', '.join(key)} is inferred: facts use the key, no document describes it"]
    lineage = read_full_lineage(snapshot, document)
    _require_document(lineage)
    return [f"marts.{mart} {', '.join(key)} was made from this document:", *lineage_lines(lineage)]


def _lines_at(snapshot: Snapshot, name: str, position: int) -> Iterator[str]:
    found = find_inputs(snapshot, name)
    if found.has_changed:
        yield f"{name} has changed since it was loaded; this is about its content at that time"
    known: list[tuple[str, list[str]]] = []
    empty: list[FullLineage] = []
    for one in found.inputs:
        for document in documents_at(snapshot, one, position):
            lineage = read_full_lineage(snapshot, document, found.file)
            if lineage.is_empty:
                empty.append(lineage)
            else:
                known.append((one.name, list(lineage_lines(lineage))))
        known += [(one.name, loss_lines(loss)) for loss in losses_at(snapshot, one, position)]
    if not known:
        _raise_unknown(found, f"{name}:{position}", position, empty)
    if known[0][0] != found.shown_name:
        yield f"{name} has the same content as {known[0][0]}, which was loaded first"
    for _, lines in known:
        yield from lines


def _require_document(lineage: FullLineage) -> None:
    """Raise CoordinateUnknown, with the likely cause, if the position holds no document."""
    if lineage.is_empty:
        cause = NO_DOCUMENT[lineage.batch.feed] if lineage.batch else "the ledger does not know its batch"
        raise CoordinateUnknown(f"{lineage.coordinate} holds no document: {cause}")


def _raise_unknown(found: FoundInputs, coordinate: str, position: int, empty: list[FullLineage]) -> NoReturn:
    """Raise CoordinateUnknown with the reason why nothing is known of a position."""
    for lineage in empty:
        _require_document(lineage)
    if any(not one.is_complete and position >= one.next_position for one in found.inputs):
        raise CoordinateUnknown(f"{coordinate} is not landed yet: run its load or its consumer")
    if found.file and position == 0:
        raise CoordinateUnknown(f"{coordinate}: the first document of a file has position 1")
    raise CoordinateUnknown(f"{coordinate}: the input ends before that position")
