"""Input that breaks other loaders: every document lands or is named, in constant memory and bounded time."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from loader.drift import list_drift
from loader.errors import FileRefused, SourceBroken
from loader.load import load
from loader.plan import Request
from loader.reading.byte_ranges import fingerprint
from loader.rejects.listing import list_rejects
from loader.tracing.why import why
from tests.support.databases import rows
from tests.support.declared.orders import order, write_declaration
from tests.support.documents import damaged_gzip, document, landed_ids
from warehouse.connection import connect

BALANCE = "select count(*) from ledger.batches where read <> landed + rejected + skipped"


def reasons() -> list[tuple[int, str]]:
    return sorted((reject.position, reject.reason) for reject in list_rejects("things"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("packed", [False, True])
def test_another_encoding_is_one_reject_with_what_to_do(
    database: str, source: Path, encoding: str, packed: bool
) -> None:
    data = "\n".join(document(n).decode() for n in range(50)).encode(encoding)
    (source / "a.ndjson").write_bytes(gzip.compress(data) if packed else data)
    load(Request(("things",)))
    (reject,) = list_rejects("things")
    assert (reject.position, reject.reason, reject.length) == (1, "not_utf8", len(data))
    assert encoding[:6].upper() in reject.detail and "iconv" in reject.detail


@pytest.mark.parametrize("said_by", ["the environment", "the login"])
def test_text_is_unchanged_under_any_client_encoding(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch, said_by: str
) -> None:
    if said_by == "the environment":
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    else:
        connection = connect("loader")
        with connection, connection.cursor() as cursor:
            cursor.execute(f"alter role current_user in database {database} set client_encoding = 'LATIN1'")
        connection.close()
    (source / "a.ndjson").write_bytes('{"id": "é 雪", "updated_at": "", "é": 1}'.encode())
    load(Request(("things",)))
    assert rows("select convert_to(document ->> 'id', 'UTF8') from raw.things")[0][0].tobytes().decode() == "é 雪"
    assert rows("select count(*) from ledger.drift where pointer = '/é'") == [(1,)]


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_a_flipped_byte_hides_no_line_before_it(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    lines = [document(n, pad=fingerprint(document(n)).hex()) for n in range(9000)]
    packed, before = damaged_gzip(b"\n".join(lines), share)
    sound = before.count(b"\n")
    (source / "a.ndjson").write_bytes(packed)
    monkeypatch.setenv("WAYBILL_CHUNK_BYTES", "100000")

    load(Request(("things",)))

    landed = landed_ids()
    found = rows("select _position, document ->> 'id' from raw.things where _position <= %s order by 1", sound)
    assert found == [(n + 1, f"t{n}") for n in range(sound)]
    assert rows(BALANCE) == [(0,)]
    assert reasons()[-1][1] == "cut_off"
    assert load(Request(("things",))).summary.startswith("nothing new")
    assert landed_ids() == landed


def test_damaged_bytes_at_the_start_hide_no_document(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(b"\0\0\0\0\0\n" + document(1) + b"\n" + b"{\xff\n" + document(2))
    load(Request(("things",)))
    assert landed_ids().keys() == {"t1", "t2"}
    assert reasons() == [(1, "not_json"), (3, "not_utf8")]


def test_deep_nesting_is_a_reject_in_every_layout(database: str, source: Path) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    torn = b'{"a":' * 100_000
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), deep, torn, document(2)]))
    (source / "b.json").write_bytes(b"[" + document(3) + b"," + deep + b"," + document(4) + b"]")
    (source / "c.doc").write_bytes(deep)
    load(Request(("things",)))
    assert landed_ids() == Counter(["t1", "t2", "t3", "t4"])
    assert [reason for _, reason in reasons()] == ["not_storable"] * 4
    assert rows(BALANCE) == [(0,)]


@pytest.mark.parametrize("exponent", ["9999999999999999999", "-9999999999999999999"])
def test_a_huge_exponent_is_a_reject(database: str, source: Path, exponent: str) -> None:
    (source / "a.ndjson").write_bytes(
        document(1) + b'\n{"id": "x", "updated_at": "", "n": 1e%s}\n' % exponent.encode() + document(2)
    )
    load(Request(("things",)))
    assert landed_ids() == Counter(["t1", "t2"])
    assert reasons() == [(2, "not_storable")]


def test_a_field_name_of_any_length_lands_and_is_counted(database: str, source: Path) -> None:
    chance = random.Random(1)
    long = ["".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(4000)) for _ in range(2)]
    documents = [document(n) for n in range(10)]
    documents[4:4] = [document(10, **{long[0]: 1}), document(11, **{long[0]: 2}), document(12, **{long[0][:300]: 3})]
    documents.append(document(13, nested={long[1]: 1}))
    (source / "a.ndjson").write_bytes(b"\n".join(documents))
    load(Request(("things",)))
    assert landed_ids() == Counter(f"t{n}" for n in range(14))
    drift = {field.pointer: field.documents for field in list_drift("things")}
    assert sorted(drift.values()) == [1, 1, 2]
    assert all(len(pointer) < 250 for pointer in drift)
    assert {pointer[:101] for pointer in drift if drift[pointer] == 2} == {f"/{long[0][:100]}"}


def test_duplicate_keys_land_as_postgresql_keeps_them(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(b'{"id": "first", "id": "last", "updated_at": ""}')
    load(Request(("things",)))
    assert landed_ids() == Counter(["last"])


def test_several_documents_on_one_line_are_a_reject(database: str, source: Path) -> None:
    (source / "a.ndjson").write_bytes(document(1) + b" " + document(2) + b"\n" + document(3) + b"," + document(4))
    load(Request(("things",)))
    assert landed_ids() == Counter()
    assert reasons() == [(1, "not_json"), (2, "not_json")]


@pytest.mark.parametrize(
    "name", ["it's.ndjson", 'a "b" c.ndjson', "new\nline.ndjson", "ünï [red]codé.ndjson", "%s {} \\.ndjson"]
)
def test_a_file_of_any_name_has_a_coordinate(database: str, source: Path, name: str) -> None:
    (source / name).write_bytes(document(1) + b"\nbroken")
    load(Request(("things",), (str(source / name),)))
    assert landed_ids() == Counter(["t1"])
    assert any("landed in raw.things" in line for line in why(f"{source / name}:1"))
    (reject,) = list_rejects("things")
    assert reject.name == str(source / name)


def test_a_file_name_that_is_not_utf8_is_shown_escaped(database: str, source: Path) -> None:
    path = os.path.join(os.fsencode(source), b"caf\xe9.ndjson")
    with open(path, "wb") as file:
        file.write(document(1))
    load(Request(("things",), (os.fsdecode(path),)))
    assert rows("select command from ledger.runs") == [(f"load things {source}/caf\\xe9.ndjson",)]
    assert rows("select name from ledger.inputs") == [(f"{source}/caf\\xe9.ndjson",)]
    output = "\n".join(why(f"{os.fsdecode(path)}:1"))
    assert "landed in raw.things" in output and f"checked: {document(1).decode()}" in output


def test_a_path_that_is_not_a_file_is_refused_in_one_line(database: str, source: Path) -> None:
    os.mkfifo(source / "pipe")
    with pytest.raises(FileRefused, match="pipe is not a regular file: pipe its content into `-`"):
        load(Request(("things",), (str(source / "pipe"),)))
    (source / "link.ndjson").symlink_to(source / "absent")
    (source / "a.ndjson").write_bytes(document(1))
    assert load(Request(("things",), (str(source),))).rows == 1


def test_an_unreadable_file_is_refused_before_anything_lands(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.ndjson").write_bytes(document(1))
    (source / "b.ndjson").touch()
    real = Path.open

    def as_another_user(
        path: Path, *given: Any, **more: Any
    ) -> Any:  # root, too, can run the tests, and can read everything
        if path.name == "b.ndjson":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *given, **more)

    monkeypatch.setattr(Path, "open", as_another_user)
    with pytest.raises(FileRefused, match=r"b.ndjson: Permission denied; make it readable"):
        load(Request(("things",)))
    assert rows("select count(*) from ledger.inputs") == [(0,)]


@pytest.mark.parametrize(
    "schema", ["[]", "5", '"text"', '{"type": 5}', '{"properties": []}', "{", '{"$ref": "#/absent"}']
)
def test_an_invalid_contract_is_named(database: str, source: Path, schema: str) -> None:
    (source.parent / "declared" / "things.schema.json").write_text(schema)
    (source / "a.ndjson").write_bytes(document(1))
    with pytest.raises(SourceBroken, match=r"things.schema.json is not a JSON Schema 2020-12"):
        load(Request(("things",)))


def test_one_query_a_batch_finds_what_postgresql_refuses(
    database: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = b'{"id": "bad", "updated_at": "", "n": 1e-20000}'
    for number in range(300):
        (source / f"{number:03}.doc").write_bytes(document(number) if number % 50 else bad + b" " * number)
    (source / "a.ndjson").write_bytes(b"\n".join(bad if n % 1000 == 500 else document(1000 + n) for n in range(5000)))
    asked = []
    import loader.landing.unstorable

    find = loader.landing.unstorable._find
    monkeypatch.setattr(loader.landing.unstorable, "_find", lambda *given: asked.append(1) or find(*given))
    load(Request(("things",)))
    assert sum(landed_ids().values()) == 300 - 6 + 5000 - 5
    assert [reason for _, reason in reasons()] == ["not_storable"] * 11
    assert len(asked) <= 4


def test_two_thousand_small_files_take_few_transactions(database: str, source: Path) -> None:
    folder = source / "many"
    folder.mkdir()
    for number in range(2000):
        (folder / f"{number}.doc").write_bytes(document(number) if number % 100 else b"broken %d" % number)
    result = load(Request(("things",), (str(folder),)))
    assert (result.rows, result.new_files) == (1980, 2000)
    assert rows("select count(*), count(distinct xmin::text) from ledger.batches") == [(2000, 2)]
    again = load(Request(("things",), (str(folder),))).summary
    assert again.startswith("nothing new: all 2,000 files were landed before, and 20 documents are rejects: ")


# the peak of this program only: the system's count for a process includes the peak of its parent before exec
MEASURED = """
import sys
from pathlib import Path
import loader.declarations
from loader.load import load
from loader.plan import Request
loader.declarations.SOURCES = loader.declarations.CONTRACTS = Path(sys.argv[3])
load(Request(("orders",), (sys.argv[1],), sys.argv[2]))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("layout", ["ndjson", "array"])
def test_memory_stays_flat(database: str, tmp_path: Path, layout: str) -> None:
    """Load 100 MB of documents, then one of 200 MB that is skipped."""
    write_declaration(tmp_path / "declared")
    good = json.dumps(order(pad="x" * 50_000)).encode()
    path = tmp_path / "large"
    mark, end = (b"[", b"]") if layout == "array" else (b"", b"")
    separator = b"," if layout == "array" else b"\n"
    with path.open("wb") as file:
        file.write(mark + good)
        for _ in range(2000):
            file.write(separator + good)
        file.write(separator + b'{"id": "')
        for _ in range(200):
            file.write(b"y" * (1 << 20))
        file.write(b'"}' + separator + good + end)
    environment = {**os.environ, "WAYBILL_MAX_DOCUMENT_BYTES": "1000000"}
    command = [sys.executable, "-c", MEASURED, str(path), layout, str(tmp_path / "declared")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(result.stdout) / 1024 < 150
    assert rows("select sum(read)::int, sum(rejected)::int from ledger.batches") == [(2003, 1)]
    assert rows("select position, length from ledger.rejects where reason = 'too_large'") == [(2002, (200 << 20) + 10)]


def test_a_document_that_breaks_the_query_is_found_by_bisection(database: str, source: Path) -> None:
    many = (
        b'{"id": "many", "updated_at": "", "x": [' + b"0," * 16_777_216 + b"0]}"
    )  # PostgreSQL runs out of memory when it builds the jsonb
    (source / "a.ndjson").write_bytes(b"\n".join([document(1), document(2), many, document(3)]))
    load(Request(("things",)))
    assert landed_ids() == Counter(["t1", "t2", "t3"])
    assert reasons() == [(3, "not_storable")]
    ((detail,),) = rows("select detail from ledger.rejects")
    assert detail.startswith("PostgreSQL: invalid memory alloc request size")
