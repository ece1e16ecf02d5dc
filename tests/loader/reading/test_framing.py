"""Framing gives the same documents for blocks of any size, in linear time, up to the last byte."""

from __future__ import annotations

import gzip
import random
import time
import tracemalloc
from pathlib import Path

import pytest

import loader.reading.input_files
import loader.reading.streams
from loader.declarations import FilePattern, Layout
from loader.reading.byte_ranges import START, Frame, InputPosition, Reject, fingerprint
from loader.reading.framing import frames
from loader.reading.input_files import FileStamp, InputFile
from loader.reading.streams import open_stream
from tests.support.documents import damaged_gzip

MOST = 1 << 20
Cut = tuple[int, int, bytes | str, int]  # position, first byte, the document or the reason of its reject, length


@pytest.fixture
def cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutter:
    """Return a function that cuts bytes into documents, read in blocks of any size."""
    return Cutter(tmp_path / "given", monkeypatch)


class Cutter:
    """Cuts bytes into documents."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch) -> None:
        self._path = path
        self._patch = patch

    def __call__(self, data: bytes, layout: Layout, *, most: int = MOST, block: int = MOST) -> list[Frame]:
        self._path.write_bytes(data)
        pattern = FilePattern(pattern="*", layout=layout, records_at="/data/things" if layout == "records" else None)
        given = InputFile(self._path, "given", "", len(data), FileStamp(0, len(data), 0, 0))
        with self._patch.context() as patch:
            for module in (loader.reading.input_files, loader.reading.streams):
                patch.setattr(module, "BLOCK_BYTES", block)
            with open_stream(given) as stream:
                return list(frames(stream, pattern, most, START))


def plain(found: list[Frame], most: int) -> list[Cut]:
    """Return frames in which an oversized line looks the same whether it was read or skipped."""
    shown: list[Cut] = []
    for frame in found:
        if isinstance(frame, Reject):
            shown.append((frame.position, frame.first_byte, frame.reason.code, frame.length))
        else:
            position, first_byte, raw = frame
            shown.append((position, first_byte, "too_large" if len(raw) > most else raw, len(raw)))
    return shown


def reasons(found: list[Frame]) -> list[tuple[int, str]]:
    return [(frame.position, frame.reason.code) for frame in found if isinstance(frame, Reject)]


def documents(found: list[Frame]) -> list[bytes]:
    return [frame[2] for frame in found if not isinstance(frame, Reject)]


def test_good_lines_between_two_oversized_lines_are_kept(cut: Cutter) -> None:
    large = b'{"x":"' + b"y" * 60 + b'"}'
    data = large + b'\n{"a":1}\n{"b":2}\n' + large + b'\n{"c":3}'
    for block in range(3, 100):
        found = cut(data, "ndjson", most=20, block=block)
        assert plain(found, 20) == plain(cut(data, "ndjson", most=20), 20)
        assert [raw for raw in documents(found) if len(raw) <= 20] == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


@pytest.mark.parametrize("block", [3, 5, 7, 16, 40])
def test_blocks_of_any_size_give_the_same_lines(cut: Cutter, block: int) -> None:
    chance = random.Random(block)
    for _ in range(400):
        ends = chance.choice([[b"\n"], [b"\r"], [b"\r\n"], [b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\n\r"]])
        lines = [
            b"%d" % chance.randrange(10) * chance.choice([1, 2, 6, 9, 30, 90]) for _ in range(chance.randrange(12))
        ]
        data = b"".join(line + chance.choice(ends) for line in lines)
        data = data[: len(data) - chance.choice([0, 0, 1])]
        most = chance.choice([4, 10, 50])
        assert plain(cut(data, "ndjson", most=most, block=block), most) == plain(cut(data, "ndjson", most=most), most)


@pytest.mark.parametrize("block", [4, 8, 16])
def test_a_block_ending_in_a_carriage_return_loses_nothing(cut: Cutter, block: int) -> None:
    data = b'{"a":1}\r' * 20 + b"x" * 100 + b'\r{"b":2}'
    found = cut(data, "ndjson", most=20, block=block)
    assert documents(found) == [b'{"a":1}'] * 20 + [b'{"b":2}']
    assert reasons(found) == [(21, "too_large")]


@pytest.mark.slow
def test_a_file_of_carriage_returns_takes_little_memory(cut: Cutter) -> None:
    data = b"\r" * 1_000_000
    tracemalloc.start()
    try:
        assert cut(data, "ndjson", block=1000) == []
        assert tracemalloc.get_traced_memory()[1] < len(data) / 2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", [False, True])
def test_an_oversized_torn_last_element_keeps_its_range(cut: Cutter, packed: bool) -> None:
    torn = b'{"b":"' + bytes(random.Random(1).choices(b"abcdefgh", k=5000))
    data = b'[{"a":1},' + torn
    given = gzip.compress(data) + b"\x1f\x8b\x08" if packed else data
    found = cut(given, "array", most=100, block=64)
    assert documents(found) == [b'{"a":1}']
    (reject,) = [frame for frame in found if isinstance(frame, Reject)]
    assert (reject.reason.code, reject.first_byte, reject.length) == ("cut_off", 9, len(torn))
    assert (reject.beginning, reject.fingerprint.bytes) == (torn, fingerprint(torn))


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["ndjson", "array"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_reading_a_damaged_file_can_resume_after_any_document(tmp_path: Path, layout: Layout, share: float) -> None:
    mark, end, separator = (b"[", b"]", b",") if layout == "array" else (b"", b"", b"\n")
    data = mark + separator.join(b'{"mark":"%s"}' % fingerprint(b"%d" % n).hex().encode() for n in range(9000)) + end
    packed, sound = damaged_gzip(data, share)
    path = tmp_path / "given.gz"
    path.write_bytes(packed)
    given = InputFile(path, "given", "", len(packed), (0, len(packed), 0, 0))
    pattern = FilePattern(pattern="*", layout=layout)

    def read(start: InputPosition) -> list[Frame]:
        with open_stream(given, start.byte) as stream:
            return list(frames(stream, pattern, MOST, start))

    found = read(START)
    assert len(documents(found)) >= sound.count(b"}")
    last = found[-1]
    assert isinstance(last, Reject) and last.is_rest
    for behind in (0, 1):  # zlib may fail at the last intact byte, and surely fails after it
        assert documents(read(InputPosition(last.position + 1, last.first_byte + last.length + behind))) == []
    for number in range(max(1, len(found) - 40), len(found)):
        position, first_byte, raw = found[number - 1]
        assert read(InputPosition(position + 1, first_byte + len(raw))) == found[number:]


def test_framing_mixed_arrays_takes_linear_time(cut: Cutter) -> None:
    started = time.monotonic()
    found = cut(b"[" + b'{"a":1},7,' * 50_000 + b"0]", "array")
    assert len(documents(found)) == 100_001
    assert time.monotonic() - started < 20


RECORDS = b'{"x": 0, "data": {"w": {}, "things": [{"a":1},{"b":2}], "v": [1, {"k": "]}"}]}, "y": "}"}'


@pytest.mark.parametrize("block", [3, 7, MOST])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (RECORDS, []),
        (RECORDS + b" \n", []),
        (RECORDS[:-1], [(3, "cut_off")]),
        (RECORDS[: RECORDS.index(b', "v"')], [(3, "cut_off")]),
        (RECORDS[: RECORDS.index(b"}]}, ")], [(3, "cut_off")]),
        (RECORDS.replace(b', "y": "}"', b""), []),
        (RECORDS.replace(b', "y": "}"', b" garbage"), [(3, "not_json")]),
        (RECORDS.replace(b', "y": "}"', b","), [(3, "not_json")]),
        (RECORDS + b"garbage", [(3, "not_json")]),
        (RECORDS + RECORDS, [(3, "not_json")]),
        (RECORDS.replace(b'"v"', b'"things"'), [(3, "not_json")]),
        (RECORDS.replace(b'"y": "}"', b'"data": {"things": [{"c":3}]}'), [(3, "not_json")]),
    ],
)
def test_bytes_after_the_records_are_read_to_the_end(
    cut: Cutter, data: bytes, expected: list[tuple[int, str]], block: int
) -> None:
    found = cut(data, "records", block=block)
    assert documents(found) == [b'{"a":1}', b'{"b":2}']
    assert reasons(found) == expected
