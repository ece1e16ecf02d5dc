"""A load that was interrupted continues after the last landed batch, and two loaders land each row once (P2)."""

from __future__ import annotations

import gzip
import random
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from loader.errors import LayoutChanged
from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.documents import document, landed_ids
from tests.support.interrupted_loads import Killed, kill_load_after
from warehouse.connection import connect

LAYOUTS = {
    "a.ndjson": lambda documents: b"\n".join(documents) + b"\n",
    "crlf.ndjson": lambda documents: b"\xef\xbb\xbf" + b"\r\n\r\n".join(documents),
    "cr.ndjson": lambda documents: b"\r".join(documents),
    "a.ndjson.gz": lambda documents: gzip.compress(b"\n \n".join(documents)),
    "a.json": lambda documents: b" [" + b" ,\n".join(documents) + b" ]\n",
    "a.rec": lambda documents: b'{"data": {"things": [' + b",".join(documents) + b"]}}",
}
BROKEN = {
    "a.json": b"[" + b",".join(document(n) for n in range(6)) + b' {"id": 7}]',
    "b.json": b"[" + b",".join(document(n) for n in range(6)) + b',{"id": "torn',
    "c.ndjson.gz": gzip.compress(b"\n".join(document(n, pad=f"{n * 7919:x}" * 99) for n in range(600)))[:-90],
    "d.ndjson": "\n".join(document(n).decode() for n in range(6)).encode("utf-16"),
    "e.rec": b'{"data": {"things": [' + document(1) + b",,]}}",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_killed_load_continues_after_its_last_batch(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    documents = [document(n) if n % 7 else b'{"id": %d}' % n for n in range(200)]
    (source / name).write_bytes(LAYOUTS[name](documents))
    with monkeypatch.context() as patch:
        kill_load_after(3, patch)
        with pytest.raises(Killed):
            load(Request(("things",), (str(source / name),)))
    assert 0 < sum(landed_ids().values()) < 171
    before = landed_ids()

    result = load(Request(("things",), (str(source / name),)))

    assert landed_ids() == Counter(f"t{n}" for n in range(200) if n % 7)
    assert rows("select sum(read)::int, sum(landed)::int, sum(rejected)::int from ledger.batches") == [(200, 171, 29)]
    assert result.rows == 171 - sum(before.values())
    assert rows(
        "select bool_and(first_position = coalesce(before, 1)) from (select first_position, lag(next_position)"
        " over (order by first_position) as before from ledger.batches) as ranges"
    ) == [(True,)]


def test_positions_are_lines_for_batches_of_any_size(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYBILL_CHUNK_BYTES", "1")
    (source / "a.ndjson").write_bytes(b"\n".join([b"", document(1), b"  ", b"\t", b"broken", document(2), b"", b""]))
    load(Request(("things",)))
    assert rows("select _position, document ->> 'id' from raw.things order by 1") == [(2, "t1"), (6, "t2")]
    assert rows("select position from ledger.rejects") == [(5,)]
    assert rows("select count(*), sum(read)::int from ledger.batches") == [(3, 3)]


def test_two_loaders_share_one_large_file(database: str, source: Path, small_chunks: None) -> None:
    path = source / "a.ndjson"
    path.write_bytes(b"\n".join(document(n) for n in range(3000)))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            load(Request(("things",), (str(path),)))
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert landed_ids() == Counter(f"t{n}" for n in range(3000))
    assert rows("select sum(read)::int, sum(landed)::int from ledger.batches") == [(3000, 3000)]
    assert rows("select is_complete from ledger.inputs") == [(True,)]
    in_order = "select first_position from ledger.batches order by committed_at, batch_id"
    assert rows(in_order) == sorted(rows("select first_position from ledger.batches"))


def test_files_of_one_load_are_delivered_in_order_of_names(database: str, source: Path, small_chunks: None) -> None:
    for number in random.Random(7).sample(range(100), 100):
        (source / f"{number:02}.ndjson").write_bytes(b"\n".join(document(n) for n in range(number, number + 3)))
    load(Request(("things",)))
    delivered = rows("select input_name from ledger.named_batches order by committed_at, batch_id")
    assert len(set(delivered)) == 100
    assert delivered == sorted(delivered)


def test_a_partly_landed_file_continues_in_its_layout_only(
    database: str, source: Path, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.json").write_bytes(b"[" + b",\n".join(document(n) for n in range(200)) + b"]")
    with monkeypatch.context() as patch:
        kill_load_after(1, patch)
        with pytest.raises(Killed):
            load(Request(("things",)))
    with pytest.raises(LayoutChanged, match="finish it with `--layout array`"):
        load(Request(("things",), layout="ndjson"))
    load(Request(("things",)))
    assert landed_ids() == Counter(f"t{n}" for n in range(200))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_end_is_named_once_wherever_the_load_died(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("WAYBILL_CHUNK_BYTES", "1" if len(BROKEN[name]) < 2000 else "40000")
    for died_after in range(9):
        path = source / f"{died_after}-{name}"
        path.write_bytes(BROKEN[name])
        with monkeypatch.context() as patch:
            kill_load_after(died_after, patch)
            with suppress(Killed):
                load(Request(("things",), (str(path),)))
        load(Request(("things",), (str(path),)))
        assert rows("select count(*)::int from ledger.rejects")[0][0] == 1
        owner = connect("owner")
        with owner, owner.cursor() as cursor:
            cursor.execute("truncate ledger.inputs, raw.things cascade")
        owner.close()
