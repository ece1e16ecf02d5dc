"""A file that is not what it was taken for is one reject that names what to do (P3)."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

from loader.checking.contracts import read_contract
from loader.declarations import FilePattern, read_source
from loader.landing.chunks import batches
from loader.landing.feeds import FileFeed
from loader.reading.byte_ranges import Reject
from loader.reading.input_files import identify
from streaming.consuming.landing import TopicFeed, batch_from_records
from tests.support.documents import document

DOCUMENTS = [document(n) for n in range(50)]
LINES = b"\n".join(DOCUMENTS) + b"\n"
ARRAY = b"[\n" + b",\n".join(DOCUMENTS) + b"\n]\n"
PRETTY = b'{\n  "id": "t0",\n  "updated_at": "2013-01-01T00:00:00Z"\n}\n'
RECORDS = b'{"made": 1, "data": {"items": ' + ARRAY + b"}}"
UPDATED = b'"updated_at": "2013-01-01T00:00:00Z"'


def archive(kind: str) -> bytes:
    packed = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as zipped:
            zipped.writestr("a.ndjson", LINES)
    else:
        with tarfile.open(fileobj=packed, mode=kind) as tar:
            member = tarfile.TarInfo("a.ndjson")
            member.size = len(LINES)
            tar.addfile(member, io.BytesIO(LINES))
    return packed.getvalue()


def read(path: Path, content: bytes, layout: str = "ndjson", records_at: str | None = None) -> tuple[int, list[Reject]]:
    """Return how many documents would land and the rejects, without a database."""
    path.write_bytes(content)
    source = read_source("things")
    pattern = FilePattern.model_validate({"pattern": "*", "layout": layout, "records_at": records_at})
    feed = FileFeed(source, read_contract(source), 1 << 20, input_file=identify(path), pattern=pattern)
    found = list(batches(feed, 1 << 20))
    return sum(batch.landed for batch in found), [reject for batch in found for reject in batch.rejects]


def land_message(value: bytes) -> tuple[int, list[str]]:
    source = read_source("things")
    record = SimpleNamespace(offset=0, value=value, timestamp=None)
    batch = batch_from_records([record], TopicFeed(source, read_contract(source), 1 << 20), uuid4(), 0)
    return batch.landed, [reject.reason.detail for reject in batch.rejects]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read_whatever_their_name(source: Path, compress: Callable[[bytes], bytes]) -> None:
    packed = compress(LINES)
    assert read(source / "a.json", packed) == (50, [])
    assert read(source / "a.json", packed + compress(LINES))[0] == 100
    landed, (reject,) = read(source / "a.ndjson.gz", packed[: len(packed) * 2 // 3])
    assert (reject.reason.code, reject.position) == ("cut_off", landed + 1)
    assert read(source / "a.ndjson", compress(b"")) == (0, [])


def test_a_damaged_block_hides_nothing_before_it(source: Path) -> None:
    lines = b"".join(document(n, pad=f"{n * 7919:x}" * 20) + b"\n" for n in range(20_000))
    for packed in (bz2.compress(lines, 1), lzma.compress(lines)):
        damaged = packed[: len(packed) * 2 // 3] + b"\xff" * 40 + packed[len(packed) * 2 // 3 + 40 :]
        landed, rejects = read(source / "a.ndjson", damaged)
        assert landed > 5_000
        assert rejects[-1].reason.code == "cut_off"
        assert {reject.position for reject in rejects} == set(range(landed + 1, landed + len(rejects) + 1))


def test_bytes_after_the_end_of_gzip_are_one_reject(source: Path) -> None:
    landed, (reject,) = read(source / "a.ndjson.gz", gzip.compress(LINES) + b"garbage")
    assert (landed, reject.reason.code) == (50, "cut_off")
    assert "other bytes follow the end" in reject.reason.detail
    assert read(source / "a.ndjson.gz", gzip.compress(LINES) + b"\0" * 512) == (50, [])


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"\x28\xb5\x2f\xfd" + bytes(90), "zstd -d"),
        (archive("zip"), "zip archive"),
        (archive("w"), "tar archive"),
        (archive("w:gz"), "tar archive"),
        (gzip.compress(archive("zip")), "zip archive"),
        (gzip.compress(gzip.compress(LINES)), "gzip inside"),
        (bz2.compress(gzip.compress(LINES)), "gzip inside"),
        (lzma.compress(LINES, format=lzma.FORMAT_ALONE), "lzma"),
        (b"\x1f\x9d\x90" + bytes(90), "compress"),
        (b"\xff\x06\0\0sNaPpY" + bytes(90), "snappy"),
        (LINES.decode().encode("utf-32-le"), "UTF-32"),
        (b"PAR1" + bytes(90), "Parquet"),
        (b"Obj\x01" + bytes(90), "Avro"),
        (b"\n<!DOCTYPE html>\n<html><body>502</body></html>\n", "HTML page"),
        (b"<?xml version='1.0'?>\n<a/>\n", "XML"),
        (LINES.decode().encode("utf-16"), "UTF-16"),
        (b"".join(b"\x1e" + one + b"\n" for one in DOCUMENTS), "RFC 7464"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", "git lfs pull"),
        (bytes(5000), "zero bytes"),
        (ARRAY, "`--layout array`"),
        (ARRAY.replace(b",\n", b"\n,"), "`--layout array`"),
        (b"[" + b", ".join(DOCUMENTS) + b"]", "`--layout array`"),
        (b"[\n" + b",\n".join(DOCUMENTS * 900) + b"\n]", "`--layout array`"),
        (PRETTY.replace(b"2013", b"x" * 100_000), "`--layout document`"),
        (PRETTY, "`--layout document`"),
        (PRETTY * 9, "jq -c"),
        (RECORDS, "`records_at: /data/items`"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_not_ndjson_is_one_reject(source: Path, content: bytes, named: str, packed: bool) -> None:
    if packed and not content.startswith((b"\x1f\x8b", b"BZh")):
        content = gzip.compress(content)
    landed, rejects = read(source / "a.ndjson", content)
    assert landed == 0
    (reject,) = rejects
    assert named in reject.reason.detail
    assert reject.position == 1


@pytest.mark.parametrize(
    ("content", "layout", "records_at", "named"),
    [
        (LINES, "array", None, "`--layout ndjson`"),
        (LINES, "document", None, "`--layout ndjson`"),
        (LINES, "records", "/data/items", "`--layout ndjson`"),
        (PRETTY, "array", None, "`--layout document`"),
        (PRETTY * 2, "document", None, "jq -c"),
        (b"".join(DOCUMENTS), "ndjson", None, "jq -c"),
        (ARRAY, "document", None, "`--layout array`"),
        (ARRAY, "records", "/items", "`--layout array`"),
        (RECORDS, "document", None, "`records_at: /data/items`"),
        (RECORDS, "array", None, "`records_at: /data/items`"),
        (b'{"a": [1], "b/c": [ ' + b", ".join(DOCUMENTS * 900) + b"]}", "array", None, "`records_at: /b~1c`"),
        (RECORDS, "records", "/items", "its members are 'made', 'data'"),
        (RECORDS, "records", "/data/things", "its members are 'items'; arrays of objects are at /data/items"),
        (RECORDS, "records", "/made", "/made is a number, not an array"),
        (RECORDS, "records", "/data", "/data is an object, not an array"),
    ],
)
def test_the_reject_names_the_layout_that_fits(
    source: Path, content: bytes, layout: str, records_at: str | None, named: str
) -> None:
    landed, (reject,) = read(source / "a.x", content, layout, records_at)
    assert landed == 0
    assert named in reject.reason.detail


@pytest.mark.parametrize(
    "broken",
    [b"[", b'[{"id": "t99"},', b'{"id": "t99",', b'{"a": {', b'{"id": "torn', b"]", b"{", b"\x1e{}x", b"<html>"],
)
@pytest.mark.parametrize("at", [0, 1, 7])
def test_a_bad_line_is_not_taken_for_another_layout(source: Path, broken: bytes, at: int) -> None:
    landed, rejects = read(source / "a.ndjson", b"\n".join([*DOCUMENTS[:at], broken, *DOCUMENTS[at:]]))
    assert (landed, [reject.position for reject in rejects]) == (50, [at + 1])


@pytest.mark.parametrize("first", [b'{"id": "t99",', b"[", b'{"a": {'])
def test_a_bad_first_line_hides_no_line_after_it(source: Path, first: bytes) -> None:
    for documents in (DOCUMENTS, DOCUMENTS * 900):
        landed, rejects = read(source / "a.ndjson", b"\n".join([first, *documents]))
        assert (landed, [reject.position for reject in rejects]) == (len(documents), [1])


@pytest.mark.parametrize(
    ("value", "lands"),
    [
        (b'{"id": "t1",\r' + UPDATED + b"}", True),
        (b"\xef\xbb\xbf" + DOCUMENTS[0], False),
        ('{"id": "a\u2028b", '.encode() + UPDATED + b"}", True),
        (DOCUMENTS[0] + "\u2028".encode(), False),
        (b"\x1e" + DOCUMENTS[0], False),
        (DOCUMENTS[0] + bytes(9), False),
        (bytes(9), False),
        (DOCUMENTS[0].decode().encode("utf-16"), False),
        (b"\x1f\x8b" + bytes(9), False),
    ],
)
def test_a_message_and_a_line_are_judged_alike(source: Path, value: bytes, lands: bool) -> None:
    landed, details = land_message(value)
    assert landed == lands
    in_file, rejects = read(source / "a.ndjson", DOCUMENTS[5] + b"\n" + value + b"\n" + DOCUMENTS[6])
    assert (in_file, [reject.reason.detail for reject in rejects]) == (2 + landed, details)
