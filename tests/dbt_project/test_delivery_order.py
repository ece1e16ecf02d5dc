"""The last delivered document is current where a source has no version, and survivors are named right (P5, P6)."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loader.landing.raw_tables import make_raw_tables
from loader.load import load
from loader.plan import Request
from loader.rejects.replay import replay
from tests.support.databases import fresh_database
from tests.support.dbt_command import execute, failures, query
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from tests.support.own_sources.reference import Landed, expected_outcomes
from tests.support.own_sources.staging import CONTRACT, delivered, delivered_beside, enveloped, versioned
from waybill.identifiers import uuid7

SOURCES = {"versioned": True, "unversioned": False}  # source → has a version
OUTCOMES = """
select _batch_id::text, _position, outcome, surviving_batch_id::text, surviving_position
from intermediate.int_{}_deduplicated
"""
START = datetime(2013, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: None) -> Iterator[OwnProject]:
    """Return a project of sources with and without a version."""
    with pytest.MonkeyPatch.context() as patch, fresh_database():
        project = OwnProject(tmp_path_factory.mktemp("delivery"), patch)
        project.add_source(*versioned("versioned", "integer"))
        project.add_source(*delivered("unversioned"))
        project.add_source(*delivered("replayed"))
        project.add_source(*enveloped("enveloped"))
        project.add_source(*delivered_beside("beside"))
        project.add_source(*versioned("values_compared", "integer"))
        make_raw_tables()
        yield project


def update(project: OwnProject, *arguments: str) -> None:
    ran = project.run("build", *arguments)
    assert ran.success, ran.exception or failures(ran)


def found_outcomes(source: str) -> dict[tuple[str, int], tuple[str, tuple[str, int] | None]]:
    return {
        (batch_id, position): (outcome, (survivor_batch_id, survivor_position) if survivor_batch_id else None)
        for batch_id, position, outcome, survivor_batch_id, survivor_position in query(OUTCOMES.format(source))
    }


def random_documents(chance: random.Random) -> list[dict[str, object]]:
    """Return documents with few keys, versions and values, so that all of them repeat."""
    return [
        {"id": f"k{chance.randrange(8)}", "value": chance.choice("ab"), "changed": chance.randrange(3)}
        | ({"state": "gone"} if chance.random() < 0.2 else {})
        for _ in range(chance.randrange(1, 12))
    ]


def test_outcomes_are_the_same_in_every_order_of_processing(project: OwnProject) -> None:
    """Let batches come to dbt in another order than the ledger recorded them, some of them at one moment."""
    chance = random.Random(13)
    landed: dict[str, list[Landed]] = {source: [] for source in SOURCES}
    for _ in range(3):
        for source in SOURCES:
            for batch_id in chance.sample([uuid7() for _ in range(6)], 6):
                documents = random_documents(chance)
                land(source, *documents, batch_id=batch_id)
                delivered_at = START + timedelta(minutes=chance.randrange(9))
                execute(f"update ledger.batches set committed_at = '{delivered_at}' where batch_id = '{batch_id}'")
                prints = query(
                    f"select _fingerprint from raw.{source} where _batch_id = '{batch_id}' order by _position"
                )
                landed[source] += [
                    Landed(document, batch_id, position, fingerprint, delivered_at)
                    for position, (document, fingerprint) in enumerate(zip(documents, prints, strict=True), start=1)
                ]
        update(project)
        for source, has_version in SOURCES.items():
            assert found_outcomes(source) == expected_outcomes(landed[source], has_version=has_version)
    update(project, "--full-refresh")
    for source, has_version in SOURCES.items():
        assert found_outcomes(source) == expected_outcomes(landed[source], has_version=has_version)


def test_a_later_load_corrects_every_key_without_a_version(project: OwnProject) -> None:
    keys = [f"corrected {number}" for number in range(20)]
    land("unversioned", *({"id": key, "n": 1} for key in keys))
    land("unversioned", *({"id": key, "n": 2} for key in reversed(keys)))
    update(project, "-s", "+int_unversioned_outcomes")
    current = "select document ->> 'n' from raw.unversioned natural join intermediate.int_unversioned_deduplicated"
    assert query(f"{current} where outcome = 'current' and document_key like 'corrected%'") == ["2"] * 20


def test_a_version_beside_the_records_decides(project: OwnProject, tmp_path: Path) -> None:
    for release, key in ((2, "a"), (10, "b"), (1, "a"), (9, "b"), ("new", "c")):
        path = tmp_path / f"{release}.json"
        path.write_text(json.dumps({"release": release, "things": [{"id": key, "value": f"v{release}"}]}))
        load(Request(("enveloped",), (str(path),)))
    update(project, "-s", "+int_enveloped_outcomes")
    found = query("select coalesce(document_key, ''), value, outcome from intermediate.int_enveloped_deduplicated")
    assert sorted(found) == [
        ("a", "v1", "superseded"), ("a", "v2", "current"), ("b", "v10", "current"), ("b", "v9", "superseded"),
        ("c", "vnew", "uncastable"),
    ]  # fmt: skip


def test_a_field_beside_the_records_is_read(project: OwnProject, tmp_path: Path) -> None:
    path = tmp_path / "beside.json"
    path.write_text(json.dumps({"release": 7, "things": [{"id": "a"}]}))
    load(Request(("beside",), (str(path),)))
    update(project, "-s", "+int_beside_outcomes")
    assert query("select document_key, value, outcome from intermediate.int_beside_deduplicated") == [
        ("a", "7", "current")
    ]


def test_a_replayed_document_keeps_its_position_in_the_order(
    project: OwnProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reject the second of three deliveries, and replay it when the third has been landed and processed."""

    def contract_allows(*types: str) -> None:
        properties = {**CONTRACT["properties"], "value": {"type": types}}
        (project.sources / "replayed.schema.json").write_text(json.dumps({**CONTRACT, "properties": properties}))

    def deliver(name: str, *documents: dict[str, object]) -> None:
        (tmp_path / name).write_text("".join(json.dumps(document) + "\n" for document in documents))
        load(Request(("replayed",), (str(tmp_path / name),)))

    monkeypatch.setenv("WAYBILL_RAW", str(tmp_path))
    contract_allows("string")
    deliver("1.ndjson", {"id": "a", "value": "first"}, {"id": "b", "value": "first"})
    deliver("2.ndjson", {"id": "c", "value": "second"}, {"id": "a", "value": 2}, {"id": "b", "value": 2})
    deliver("3.ndjson", {"id": "a", "value": "third"})
    update(project, "-s", "+int_replayed_outcomes")
    contract_allows("string", "integer")
    assert replay("replayed", None, lambda reject, reason: None) == {"replayed": 2}
    found = "select document_key, value, outcome from intermediate.int_replayed_deduplicated order by 1, 2"
    expected = [
        ("a", "2", "superseded"), ("a", "first", "superseded"), ("a", "third", "current"),
        ("b", "2", "current"), ("b", "first", "superseded"), ("c", "second", "current"),
    ]  # fmt: skip
    for arguments in ([], ["--full-refresh"]):
        update(project, "-s", "+int_replayed_outcomes", *arguments)
        assert query(found) == expected


DIFFERENT: list[tuple[object, object]] = [
    ({"a": {"b": 1}, "c": 2}, {"a": {"b": 1, "c": 2}}),  # PostgreSQL's own jsonb hash is equal for this pair …
    ([[1], 2], [[1, 2]]),
    ([*range(64)], [32, *range(1, 32), 0, *range(33, 64)]),  # … and for values that are swapped 32 apart
    ("1.0", "1"),
    (["x: 1.0, y"], ["x: 1, y"]),
    ('quote\\" 1.0}', 'quote\\" 1}'),
    (1.05, 1.5),
    (100, 10),
    (9007199254740993, 9007199254740992),
    (None, ""),
]
EQUAL: list[tuple[str, str]] = [
    ("1.0", "1"),
    ("[1.50, -0.0, 1e2, {\"a\": 10.00}]", "[1.5, 0, 100, {\"a\": 10}]"),
    ('{"a": 1, "b": "1.0}"}', '{"b": "1.0}", "a": 1.000}'),
    ('"\\u00e9"', '"é"'),
]  # fmt: skip


def test_only_equal_values_are_duplicates(project: OwnProject) -> None:
    batch_id = land("values_compared")
    rows = [
        f'{{"id": "{kind} {number}", "changed": 1, "body": {value}}}'
        for kind, pairs in (("different", [tuple(map(json.dumps, pair)) for pair in DIFFERENT]), ("equal", EQUAL))
        for number, pair in enumerate(pairs)
        for value in pair
    ]
    for position, row in enumerate(rows):
        quoted = row.replace("'", "''").replace(":", "\\:")
        execute(f"insert into raw.values_compared values ('{batch_id}', {position}, gen_random_uuid(), '{quoted}')")
    execute(f"update ledger.batches set landed = {len(rows)}, read = {len(rows)} where batch_id = '{batch_id}'")
    update(project, "-s", "+int_values_compared_outcomes")
    outcome = (
        "select split_part(document_key, ' ', 1), outcome, count(*) from intermediate.int_values_compared_deduplicated"
    )
    assert query(f"{outcome} group by 1, 2 order by 1, 2") == [
        ("different", "current", len(DIFFERENT)), ("different", "superseded", len(DIFFERENT)),
        ("equal", "current", len(EQUAL)), ("equal", "duplicate", len(EQUAL)),
    ]  # fmt: skip
