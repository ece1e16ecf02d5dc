"""Every document leads to its lineage and its bytes, in every layout and for batches of any size (P8)."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tracemalloc
from pathlib import Path
from uuid import UUID

import pytest

from loader.drift import list_drift
from loader.errors import CoordinateUnknown
from loader.load import load
from loader.plan import Request
from loader.tracing.snapshot import Snapshot
from loader.tracing.why import why, why_row
from tests.support.databases import rows
from tests.support.documents import document
from warehouse.connection import connect

DOCUMENTS = [document(n, text=f'é "{n}" }},{{') if n % 5 else b'{"id": %d}' % n for n in range(60)]
FILES = {
    "a.ndjson": b"\xef\xbb\xbf" + b"\r\n\n".join(DOCUMENTS),
    "b.ndjson.gz": gzip.compress(b"\n".join(DOCUMENTS[::-1])),
    "c.json": b"[ " + b" ,\n".join(DOCUMENTS) + b"]",
    "d.rec": b'{"data": {"x": [], "things": [' + b",".join(DOCUMENTS) + b"]}}",
    "e.doc": b"\n" + DOCUMENTS[7] + b"\n",
    'f g\'s "h"\n\u00e9.ndjson': b"\r".join(DOCUMENTS[::2]),
}


@pytest.mark.parametrize("chunk_bytes", ["1500", "8000000"])
def test_every_row_leads_back_to_its_bytes(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch, chunk_bytes: str
) -> None:
    monkeypatch.setenv("WAYBILL_CHUNK_BYTES", chunk_bytes)
    for name, data in FILES.items():
        (source / name).write_bytes(data)
    load(Request(("things",), (str(source),)))
    landed = rows(
        "select input_name, _position, _fingerprint from raw.things join ledger.named_batches on batch_id = _batch_id"
    )
    rejected = rows("select input_name, position, fingerprint from ledger.open_rejects")
    assert len(landed) == 4 * 48 + 1 + 24
    for name, position, fingerprint in landed + rejected:
        output = "\n".join(why(f"{name}:{position}"))
        (document,) = [one for one in DOCUMENTS if f"fingerprint {fingerprint} checked: {one.decode()}" in output]
        assert ("rejected" in output) is (b"text" not in document)
        assert ("landed in raw.things" in output) is not ("rejected" in output)


def test_why_checks_fingerprints_that_the_ledger_did_not_make(database: str, source: Path) -> None:
    """The fingerprints are computed here: BLAKE2b, 128 bits, of the source bytes."""
    good, bad = b'{"updated_at": "", "id": "t1",  "x": 1.0}', b'{"id": 5}'
    expected = {raw: UUID(bytes=hashlib.blake2b(raw, digest_size=16).digest()) for raw in (good, bad)}
    path = source / "a.ndjson"
    path.write_bytes(good + b"\n" + bad + b"\n" + document(3))
    load(Request(("things",)))
    for position, (raw, fingerprint) in enumerate(expected.items(), start=1):
        assert f"source bytes, fingerprint {fingerprint} checked: {raw.decode()}" in why(f"{path}:{position}")

    altered = UUID(int=expected[good].int ^ 1)
    owner = connect("owner")
    with owner, owner.cursor() as cursor:
        cursor.execute("update raw.things set _fingerprint = %s where _position = 1", [str(altered)])
        cursor.execute("update ledger.rejects set bytes = %s", [bad.replace(b"5", b"6")])
    owner.close()
    moved = f"the file no longer holds it at this position: the fingerprint there is not {altered}"
    assert moved in why(f"{path}:1")
    assert f"the bytes in ledger.rejects do not have the fingerprint {expected[bad]}" in why(f"{path}:2")
    assert any("checked: " in line for line in why(f"{path}:3"))


def test_why_reports_a_file_that_changed_or_is_gone(database: str, source: Path) -> None:
    path = source / "a.ndjson"
    path.write_bytes(document(1))
    load(Request(("things",)))
    path.write_bytes(document(2))
    output = why(f"{path}:1")
    assert "has changed since it was loaded" in output[0]
    assert any("its file is gone or has changed" in line for line in output)
    path.unlink()
    assert any("its file is gone or has changed" in line for line in why(f"{path}:1"))


def test_why_shows_the_bytes_of_a_file_that_was_moved(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "100000")
    path, moved = source / "a.ndjson", source.with_name("old.ndjson")
    path.write_bytes(document(1) + b"\n" + document(2, text="x" * 100_000))
    load(Request(("things",)))
    shutil.move(path, moved)
    first, *output = why(f"{moved}:1")
    assert first == f"{moved} has the same content as {path}, which was loaded first"
    assert any(line.endswith(f"checked: {document(1).decode()}") for line in output)
    assert "checked: " in why(f"{moved}:2")[-1]
    assert any("its file is gone or has changed" in line for line in why(f"{path}:1"))


def test_a_reject_of_any_size_is_shown_in_little_memory(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_MAX_DOCUMENT_BYTES", "100000")
    path, large = source / "a.ndjson", document(1, text="x" * 30_000_000)
    path.write_bytes(large)
    load(Request(("things",)))
    tracemalloc.start()
    output = why(f"{path}:1")[-1]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert output.endswith(f"checked: {large[:2000].decode()}… ({len(large):,} bytes)")
    assert most < 10_000_000


def test_times_are_in_utc_in_any_session(database: str, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source / "a.ndjson").write_bytes(document(1))
    load(Request(("things",)))
    consumed()
    committed, lost = f"{source / 'a.ndjson'}:1", "topic:0:12"
    before = why(committed), why(lost)
    monkeypatch.setenv("PGTZ", "Asia/Kathmandu")
    assert (why(committed), why(lost)) == before


def test_an_answer_comes_from_one_snapshot(database: str) -> None:
    count = "select count(*) from ledger.batches"
    with Snapshot(connect("reader")) as question:
        assert question.rows(count) == [(0,)]
        consumed()
        assert question.rows(count) == [(0,)]
    assert rows(count) == [(2,)]


def test_a_coordinate_without_an_answer_is_one_line(database: str, source: Path) -> None:
    path = source / "a.ndjson"
    path.write_bytes(document(1) + b"\n\n" + document(2))
    load(Request(("things",)))
    with pytest.raises(CoordinateUnknown, match="the line is blank"):
        why(f"{path}:2")
    with pytest.raises(CoordinateUnknown, match="the input ends before that position"):
        why(f"{path}:4")
    with pytest.raises(CoordinateUnknown, match="the first document of a file has position 1"):
        why(f"{path}:0")
    with pytest.raises(CoordinateUnknown, match="is a folder: name one of its files"):
        why(f"{source}:1")
    unbuilt = "no table 'fct_things' whose rows can be traced to documents: no mart is built yet, run `"
    with pytest.raises(CoordinateUnknown, match=unbuilt):
        why_row("fct_things", ("1",))


KAFKA_BATCHES = """
with run as (
    insert into ledger.runs (run_id, command, versions)
    values (gen_random_uuid(), 'consume things --accept-gap', '{}') returning run_id
), input as (
    insert into ledger.inputs (input_id, source, feed, topic_id, partition, name, next_position)
    values (gen_random_uuid(), 'things', 'kafka', 't', 0, 'topic:0', 15) returning input_id
), named as (
    insert into ledger.input_names (input_id, name) select input_id, 'topic:0' from input
), gap as (
    insert into ledger.gaps (gap_id, input_id, run_id, first_position, next_position, reason)
    select gen_random_uuid(), input_id, run_id, 12, 15, 'the log begins at 15 only' from run cross join input
)
insert into ledger.batches (batch_id, input_id, run_id, source, feed, first_position, next_position, contract_digest,
    read, landed, rejected, skipped)
select gen_random_uuid(), input_id, run_id, 'things', 'kafka', first, following, '', landed + skipped, landed, 0, skipped
from run cross join input cross join (values (0, 9, 2, 1), (9, 12, 0, 2)) as batch (first, following, landed, skipped)
"""


def consumed() -> None:
    """Record a partition: two documents and a tombstone, a batch of tombstones only, and a gap."""
    owner = connect("owner")
    with owner, owner.cursor() as cursor:
        cursor.execute(KAFKA_BATCHES)
    owner.close()


def test_an_offset_without_a_document_is_not_a_blank_line(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(document(1) + b"\n\n" + document(2))
    load(Request(("things",)))
    consumed()
    for offset in (5, 9, 11):
        with pytest.raises(CoordinateUnknown, match=f"^topic:0:{offset} holds no document: it is a tombstone or a tra"):
            why(f"topic:0:{offset}")
    with pytest.raises(CoordinateUnknown, match="topic:0:15 is not landed yet"):
        why("topic:0:15")
    with pytest.raises(CoordinateUnknown, match="holds no document: the line is blank"):
        why(f"{source / 'a.ndjson'}:2")


@pytest.mark.parametrize("offset", [12, 14])
def test_an_offset_in_an_accepted_gap_names_the_accepting_run(database: str, offset: int) -> None:
    consumed()
    lost, accepted = why(f"topic:0:{offset}")
    assert lost == (
        f"topic:0:{offset} was lost before it could be landed, in the gap from 12 to 14: the log begins at 15 only"
    )
    ((run_id, accepted_at),) = rows("select run_id, accepted_at from ledger.gaps")
    when = f"{accepted_at:%Y-%m-%d %H:%M:%S}"
    assert accepted == f"the gap was accepted {when} UTC by run {run_id} (consume things --accept-gap)"


def test_drift_lists_field_type_count_and_first_coordinate(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(b"\n".join([document(1, new=1), document(2, new=1, nested={"b": None})]))
    load(Request(("things",)))
    (source / "b.ndjson").write_bytes(b"\n".join([document(3, new=1), document(4, new="x")]))
    load(Request(("things",)))
    found = [(one.pointer, one.json_type, one.documents, one.first_input[-8:]) for one in list_drift("things")]
    assert found == [
        ("/nested/b", "null", 1, "a.ndjson"),
        ("/new", "integer", 3, "a.ndjson"),
        ("/new", "string", 1, "b.ndjson"),
    ]
    assert list_drift("others") == []


def test_drift_leaves_out_what_the_contract_names_by_now(database: str, source: Path) -> None:
    contract = source.parent / "declared" / "things.schema.json"
    whole = json.loads(contract.read_text())

    def listed(**added: object) -> list[str]:
        contract.write_text(json.dumps(whole | {"properties": whole["properties"] | added}))
        return [field.pointer for field in list_drift("things")]

    def lines_and_days(*names: str) -> dict[str, object]:
        below = {"properties": {name: {} for name in names}}
        return {"lines": {"items": below}, "days": {"additionalProperties": below}, "blob": below}

    listed(**lines_and_days("y"))
    day = {"2024-01-01": {"y": 1, "x": 0}}
    (source / "a.ndjson").write_bytes(document(1, new=1, nested={"b": 1}, lines=[{"x": 1}], days=day, blob={"x": 1}))
    load(Request(("things",)))
    drift = ["/blob/x", "/days/*/x", "/lines/*/x", "/nested/b", "/new"]
    assert listed(**lines_and_days("y")) == drift
    assert listed(**lines_and_days("y"), nested={"properties": {"b": {}}}, new={}) == drift[:3]
    assert listed(**lines_and_days("x")) == drift[3:]
    assert listed(**lines_and_days("y") | {"blob": {}}) == drift[1:]  # it is taken as it comes
    contract.unlink()
    assert len(list_drift("things")) == len(drift)
