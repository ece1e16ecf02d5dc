"""The lineage of many documents takes as many queries as that of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql

from loader.load import load
from loader.plan import Request
from loader.tracing.facts import DocumentId, Lineage
from loader.tracing.lineage import read_lineages
from loader.tracing.search import find_rejected
from loader.tracing.snapshot import Snapshot
from tests.support.databases import rows
from tests.support.documents import document
from warehouse.connection import connect


class CountingSnapshot(Snapshot):
    """A snapshot that counts its queries."""

    queries = 0

    def rows(self, statement: str | sql.Composable, values: Any = None) -> list[tuple[Any, ...]]:
        self.queries += 1
        return super().rows(statement, values)


def described(documents: list[DocumentId]) -> tuple[list[Lineage], int]:
    with CountingSnapshot(connect("reader")) as snapshot:
        lineages = read_lineages(snapshot, documents, max_bytes=5, max_characters=10)
        return lineages, snapshot.queries


@pytest.fixture
def loaded(database: str, source: Path) -> list[DocumentId]:
    lines = [document(n) if n % 3 else b"broken %d" % n for n in range(1, 301)]
    (source / "a.ndjson").write_bytes(b"\n".join(lines))
    load(Request(("things",)))
    landed = rows("select _batch_id, _position from raw.things")
    return [DocumentId(*row) for row in landed + rows("select batch_id, position from ledger.rejects")]


def test_many_documents_take_as_many_queries_as_one(loaded: list[DocumentId]) -> None:
    lineages, queries = described(loaded)
    assert len(lineages) == 300
    assert queries == described(loaded[:1])[1] <= 6


def test_lineages_come_in_the_order_asked_for_and_cut(loaded: list[DocumentId]) -> None:
    lineages, _ = described(loaded[::-1])
    assert [lineage.document for lineage in lineages] == loaded[::-1]
    rejected = [lineage.reject.kept for lineage in lineages if lineage.reject]
    landed = [lineage.landed.text for lineage in lineages if lineage.landed]
    assert set(rejected) == {b"broke"} and len(rejected) == 100
    assert {len(text or "") for text in landed} == {10} and len(landed) == 200


def test_as_many_rejects_of_a_reason_are_found_as_asked_for(loaded: list[DocumentId]) -> None:
    with Snapshot(connect("reader")) as snapshot:
        assert [found.position for found in find_rejected(snapshot, max_per_reason=3)] == [3, 6, 9]


def test_an_unknown_document_has_an_empty_lineage(database: str) -> None:
    (lineage,), _ = described([DocumentId("00000000-0000-7000-8000-000000000001", 7)])
    assert lineage.is_empty and lineage.batch is None
