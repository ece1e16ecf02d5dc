"""For any documents, any layout, any damage and batches of any size, the books balance (P1, P3)."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

import loader.landing.source_load
from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.dbt_command import execute

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
GOOD = st.builds(
    lambda number, more, ascii_only: json.dumps(
        {**more, "id": f"t{number}", "updated_at": ""}, ensure_ascii=ascii_only
    ).encode(),
    st.integers(0, 10**6),
    st.dictionaries(TEXT.filter(lambda name: name != "nested"), VALUES, max_size=3),
    st.booleans(),
)
# each is bad, and none can be mistaken for the end of a line or of an element
BAD = st.sampled_from(
    [
        b'{"id": NaN}', b'{"id": "\xff"}', b'{"id": "\\u0000", "updated_at": ""}', b'{"id": "\\ud800"}', b"[1, 2]", b"7",
        b'{"id": 1e400000, "updated_at": ""}', b'{"id": "a" "b"}', b"{'id': 1}", b'"text"', b"null", b"{}", b"{,}",
        b'{"id": "x", "updated_at": "", "n": 1e-20000}', b'{"\\u0000": 1, "id": "x", "updated_at": ""}',
        b"[" * 2000 + b"]" * 2000, b'{"id": "x", "updated_at": "", "n": 1e9999999999999999999}',
        b'{"id": "x", "updated_at": "", "n": 1e-9999999999999999999}',
    ]
)  # fmt: skip
LAYOUTS = st.sampled_from(["ndjson", "array", "records", "document"])


@st.composite
def inputs(draw: st.DrawFn) -> tuple[str, bytes, list[bytes], list[bytes], bool]:
    """Draw a layout, a file's bytes, its good and bad documents, and whether its end is cut off."""
    layout = draw(LAYOUTS)
    documents = draw(st.lists(st.tuples(GOOD | BAD), max_size=1 if layout == "document" else 25))
    found = [document for (document,) in documents]
    blank = draw(st.sampled_from([b"", b" ", b"\t ", b"\r\n"]))
    if layout == "ndjson":
        end = draw(st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"\n  \n"]))
        data = end.join(found) + draw(st.sampled_from([b"", end]))
    elif layout == "document":
        data = blank + b"".join(found) + blank
    else:
        array = b"[" + blank + (blank + b"," + blank).join(found) + blank + b"]"
        data = array if layout == "array" else b'{"x": ["]}"], "data": {"things": ' + array + b'}, "y": 1}'
    if draw(st.booleans()):
        data = b"\xef\xbb\xbf" + data
    good = [document for document in found if document.startswith(b"{") and _is_good(document)]
    is_packed = draw(st.booleans())
    return layout, gzip.compress(data) if is_packed else data, good, found, is_packed


def _is_good(document: bytes) -> bool:
    try:
        value = json.loads(document, parse_constant=_refuse, parse_float=_number)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and isinstance(value.get("id"), str) and "updated_at" in value and _is_text(value)


def _is_text(value: Any) -> bool:
    """Return True if PostgreSQL can store every name and every text in a value."""
    if isinstance(value, str):
        return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, list):
        return all(map(_is_text, value))
    if isinstance(value, dict):
        return all(map(_is_text, [*value, *value.values()]))
    return True


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _number(text: str) -> float:
    if text.endswith(("e400000", "e-20000", "e9999999999999999999", "e-9999999999999999999")):
        raise ValueError(text)
    return float(text)


def fingerprints(documents: list[bytes]) -> Counter[UUID]:
    return Counter(UUID(bytes=hashlib.blake2b(document, digest_size=16).digest()) for document in documents)


def landed(name: str) -> Counter[UUID]:
    found = rows(
        "select _fingerprint from raw.things join ledger.batches on batch_id = _batch_id"
        " join ledger.input_names using (input_id) where input_names.name = %s",
        name,
    )
    return Counter(UUID(mark) for (mark,) in found)


def books(name: str) -> tuple[int, int, int]:
    found = rows(
        "select coalesce(sum(read), 0)::int, coalesce(sum(landed), 0)::int, coalesce(sum(rejected), 0)::int"
        " from ledger.batches join ledger.input_names using (input_id) where input_names.name = %s",
        name,
    )
    return found[0][0], found[0][1], found[0][2]


def new_file(folder: Path, data: bytes) -> Path:
    """Write a file with content that no earlier example has landed."""
    execute("truncate ledger.inputs cascade")
    path = folder / f"{uuid4().hex}.x"
    path.write_bytes(data)
    return path


class Killed(BaseException):
    """Simulates the death of the process."""


@pytest.mark.usefixtures("database")
@given(
    given_input=inputs(), chunk_bytes=st.sampled_from([1, 700, 3000, 8 << 20]), dies_after=st.none() | st.integers(0, 4)
)
def test_every_document_is_landed_once_or_rejected_once(
    source: Path, given_input: Any, chunk_bytes: int, dies_after: int | None
) -> None:
    layout, data, good, found, _ = given_input
    path = new_file(source, data)
    request = Request(("things",), (str(path),), layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_CHUNK_BYTES", str(chunk_bytes))
        if dies_after is not None:
            _kill_load_after(dies_after, request)
        load(request)
        assert load(request).rows == 0

    known = str(path)
    assert landed(known) == fingerprints(good)
    assert books(known) == (len(found), len(good), len(found) - len(good))
    positions = rows(
        "select _position from raw.things join ledger.batches on batch_id = _batch_id join ledger.input_names using"
        " (input_id) where name = %s union all select position from ledger.rejects join ledger.batches using (batch_id)"
        " join ledger.input_names using (input_id) where name = %s",
        known,
        known,
    )
    assert len(set(positions)) == len(positions) == len(found)


def _kill_load_after(chunks: int, request: Request) -> None:
    """Begin a load that dies before it lands its last batch."""
    land, begun = loader.landing.source_load.land, 0

    def and_die(*arguments: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun > chunks:
            raise Killed
        return land(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader.landing.source_load, "land", and_die)
        with suppress(Killed):
            load(request)


@pytest.mark.usefixtures("database")
@given(given_input=inputs(), cut=st.integers(0, 10**6), chunk_bytes=st.sampled_from([1, 700, 8 << 20]))
def test_truncation_never_loses_what_precedes_it(source: Path, given_input: Any, cut: int, chunk_bytes: int) -> None:
    layout, data, good, found, is_packed = given_input
    end = cut % (len(data) + 1)
    path = new_file(source, data[:end])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_CHUNK_BYTES", str(chunk_bytes))
        load(Request(("things",), (str(path),), layout))
    name = str(path)
    read, kept, rejected = books(name)
    assert read == kept + rejected
    assert read <= len(found) + 2
    assert not landed(name) - fingerprints(good)
    if not is_packed:
        assert not fingerprints(_whole_before(end, data, found, good)) - landed(name)


def _whole_before(end: int, data: bytes, found: list[bytes], good: list[bytes]) -> list[bytes]:
    """Return the good documents that end before this byte, with at least one byte in between."""
    whole, at = [], 0
    for document in found:
        at = data.index(document, at) + len(document)
        if at < end and document in good:
            whole.append(document)
    return whole
