"""A text lands exactly if PostgreSQL's jsonb and strict JSON accept it, in its own file and as a line of a file."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import psycopg2
import pytest
import yaml

import loader.declarations
from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.json_cases import fragments, texts
from warehouse.connection import connect

BOM = b"\xef\xbb\xbf"
BLANKS = b" \t\r\n"


@pytest.fixture
def anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Declare the source `anything`, whose contract accepts any JSON; return a folder for its files."""
    declared, raw = tmp_path / "declared", tmp_path / "raw"
    declared.mkdir()
    raw.mkdir()
    declaration = {"source": "anything", "description": "", "contract": "any.json", "key": ["/id"], "version": "/at",
                   "files": [{"pattern": "*.ndjson"}, {"pattern": "*.doc", "layout": "document"}]}  # fmt: skip
    (declared / "anything.yml").write_text(yaml.safe_dump(declaration))
    (declared / "any.json").write_text("{}")
    monkeypatch.setattr(loader.declarations, "SOURCES", declared)
    monkeypatch.setattr(loader.declarations, "CONTRACTS", declared)
    monkeypatch.setenv("WAYBILL_RAW", str(raw))
    return raw


class Oracle:
    """The expected outcome of a text, decided by UTF-8, strict JSON and PostgreSQL itself."""

    def __init__(self) -> None:
        self.connection = connect("reader")
        self.connection.autocommit = True

    def verdict(self, raw: bytes) -> str:
        """Return `landed` or the reason of the reject."""
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return "not_utf8"
        try:
            json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
        except RecursionError:
            return "not_storable" if raw.endswith((b"]", b"}")) else "either"
        except ValueError:
            return "not_json"
        return "landed" if self._stores(text) else "not_storable"

    def verdict_of_document(self, raw: bytes) -> str:
        """Return the same for a file or a line: UTF-16 is recognised there even without its mark."""
        zeros = [not part.strip(b"\x00") for part in (raw[:4:2], raw[1:4:2])]
        return "not_utf8" if len(raw) > 3 and sum(zeros) == 1 else self.verdict(raw)

    def _stores(self, text: str) -> bool:
        with self.connection.cursor() as cursor:
            try:
                cursor.execute("select pg_input_is_valid(%s, 'jsonb')", [text])
            except psycopg2.Error:
                return False
            return bool(cursor.fetchone()[0])  # type: ignore[index]


def _refuse(name: str) -> object:
    raise ValueError(name)


@pytest.fixture
def oracle(database: str) -> Oracle:
    return Oracle()


def found() -> dict[tuple[str, int], str]:
    """Return (file name, position) → `landed` or the reason."""
    landed = (
        "select input_name, _position, 'landed' from raw.anything join ledger.named_batches on _batch_id = batch_id"
    )
    rejected = "select input_name, position, reason from ledger.open_rejects"
    outcomes = rows(f"{landed} union all {rejected}")
    assert len({outcome[:2] for outcome in outcomes}) == len(outcomes), "one outcome a document"
    return {(name.rpartition("/")[2], position): outcome for name, position, outcome in outcomes}


def check(expected: dict[tuple[str, int], tuple[str, bytes]]) -> None:
    """Compare the books with the expected outcomes, and check that they balance."""
    outcomes = found()
    wrong = {
        coordinate: (raw[:60], wanted, outcomes.get(coordinate))
        for coordinate, (wanted, raw) in expected.items()
        if wanted != outcomes.get(coordinate)
        and not (wanted == "either" and outcomes.get(coordinate) in ("not_json", "not_storable"))
    }
    assert wrong == {}
    assert set(outcomes) == set(expected)
    ((read, landed, rejected),) = rows("select sum(read), sum(landed), sum(rejected) from ledger.batches")
    count = Counter("landed" if outcome == "landed" else "rejected" for outcome in outcomes.values())
    assert (int(read), int(landed), int(rejected)) == (len(expected), count["landed"], count["rejected"])


def one_line_texts() -> list[bytes]:
    return [raw for raw in texts() if b"\n" not in raw and b"\r" not in raw]


def test_each_text_in_its_own_file(anything: Path, oracle: Oracle) -> None:
    expected = {}
    for number, raw in enumerate(fragments()):
        (anything / f"{number}.doc").write_bytes(raw)
        bare = raw.removeprefix(BOM).strip(BLANKS)
        if bare:
            expected[f"{number}.doc", 1] = (oracle.verdict_of_document(bare), raw)
    load(Request(("anything",)))
    check(expected)
    assert len(expected) > 650


def test_all_texts_as_lines_of_one_file(anything: Path, oracle: Oracle) -> None:
    lines = [b"{}", *one_line_texts()]
    (anything / "all.ndjson").write_bytes(b"\n".join(lines))
    load(Request(("anything",)))
    expected = {
        ("all.ndjson", position): (oracle.verdict_of_document(raw.strip(BLANKS)), raw)
        for position, raw in enumerate(lines, start=1)
        if raw.strip(BLANKS)
    }
    check(expected)
    assert len(expected) > 2_500


def test_the_landed_value_is_the_value_that_was_sent(anything: Path, oracle: Oracle) -> None:
    lines = one_line_texts()
    good = [b"{}", *(raw for raw in lines if raw.strip(BLANKS) and oracle.verdict(raw.strip(BLANKS)) == "landed")]
    (anything / "good.ndjson").write_bytes(b"\n".join(good))
    load(Request(("anything",)))
    different = rows(
        "select position, document, sent::jsonb from unnest(%s) with ordinality as lines (sent, position)"
        " left join raw.anything on _position = position where document is distinct from sent::jsonb",
        [raw.decode() for raw in good],
    )
    assert different == []
