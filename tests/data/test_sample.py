# waybill: sample
"""Every build of the sample is the same, and the books show for every planted fault what `planted.json` says."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from click.testing import CliRunner

from data.sample.__main__ import sample as command
from data.sample.build import build, is_built
from data.sample.tables import read_table
from loader.declarations import Source, read_source
from loader.load import load
from tests.support.databases import rows
from tests.support.dbt_command import Dbt
from tests.support.small.documents import SOURCES
from tests.support.small.marts import WITHOUT_FEATURES

pytestmark = pytest.mark.slow

ROWS = {"airlines": 16, "airports": 1_458, "aircraft": 3_322, "flights": 336_776}
OUTCOMES = ("current", "duplicate", "superseded", "uncastable", "filtered")


@pytest.fixture(scope="module")
def planted(folder: Path) -> dict[str, Any]:
    return orjson.loads((folder / "planted.json").read_bytes())


def lines_of(path: Path) -> list[bytes]:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).split(b"\n")


def below(name: str, folder: Path) -> str:
    """Return a name in the ledger as planted.json spells it."""
    return Path(name).resolve().relative_to(folder.resolve()).as_posix()


def test_two_builds_have_the_same_bytes(folder: Path, planted: dict[str, Any], tmp_path: Path) -> None:
    again = build(tmp_path / "raw")
    assert again == planted
    assert {path.name for path in tmp_path.iterdir()} == {"raw"}
    assert not (tmp_path / "raw" / ".partial").exists()


@pytest.mark.usefixtures("reference_data_only")
def test_a_second_build_only_restores_changed_files(folder: Path, tmp_path: Path) -> None:
    out, foreign = tmp_path / "raw", tmp_path / "raw" / "airlines" / "mine.json"
    assert CliRunner().invoke(command, ["--out", str(out)]).exit_code == 0
    foreign.write_text("{}\n")
    (out / "airlines" / "UA.json").write_text("{}")
    assert not is_built(out)
    CliRunner().invoke(command, ["--out", str(out)])
    assert is_built(out)
    assert (out / "airlines" / "UA.json").read_bytes() == (folder / "airlines" / "UA.json").read_bytes()
    assert foreign.read_text() == "{}\n"
    before = (out / "airlines" / "UA.json").stat().st_mtime_ns
    assert "already" in CliRunner().invoke(command, ["--out", str(out)]).output
    assert (out / "airlines" / "UA.json").stat().st_mtime_ns == before


@pytest.mark.usefixtures("reference_data_only")
def test_a_newer_sample_removes_unedited_files_of_an_older_one(tmp_path: Path) -> None:
    out = tmp_path / "raw"
    (out / "flights").mkdir(parents=True)
    (out / "flights" / "old.ndjson").write_bytes(b"old")
    (out / "flights" / "edited.ndjson").write_bytes(b"edited by hand")
    digest = hashlib.blake2b(b"old", digest_size=16).hexdigest()
    files = {"flights/old.ndjson": digest, "flights/edited.ndjson": digest}
    (out / "planted.json").write_bytes(orjson.dumps({"version": 0, "files": files}))
    build(out)
    assert not (out / "flights" / "old.ndjson").exists()
    assert (out / "flights" / "edited.ndjson").read_bytes() == b"edited by hand"


def test_a_planted_copy_is_loaded_after_the_original(folder: Path) -> None:
    for source in ("aircraft", "flights", "weather"):
        names = [path.name for path in read_source(source).default_files(folder)]
        late = ["late" in name for name in names]
        assert late == sorted(late) and late[-1], names


def test_every_file_belongs_to_exactly_one_source(folder: Path, planted: dict[str, Any]) -> None:
    found = Counter(path for name in SOURCES for path in read_source(name).default_files(folder))
    assert {path.relative_to(folder).as_posix() for path in found} == set(planted["files"])
    assert set(found.values()) == {1}


def test_the_totals_of_current_documents_are_the_original_rows(planted: dict[str, Any]) -> None:
    totals = planted["totals"]
    assert {source: totals[source]["current"] for source in ROWS} == ROWS
    days = Counter((row["origin"], row["time_hour"][:10]) for row in read_table("weather"))
    assert (totals["weather"]["current"], sum(days.values())) == (len(days), 26_115)
    for counts in totals.values():
        assert counts["landed"] == sum(counts.get(outcome, 0) for outcome in OUTCOMES)


def test_each_fault_is_at_its_recorded_position(folder: Path, planted: dict[str, Any]) -> None:
    contracts = {name: orjson.loads(read_source(name).contract_path.read_bytes()) for name in SOURCES}
    for fault in planted["faults"]:
        if fault["position"] == 0:
            continue
        raw = lines_of(folder / fault["file"])[fault["position"] - 1]
        reason = fault["expected"].get("rejected")
        if reason in ("not_json", "not_utf8"):
            with pytest.raises(orjson.JSONDecodeError):
                orjson.loads(raw)
        elif reason == "not_storable":
            assert any(mark in raw for mark in (b"\\u0000", b"\\ud83d", b"1e400000"))
        else:
            is_valid = jsonschema_rs.is_valid(contracts[fault["source"]], orjson.loads(raw))
            assert is_valid is (reason is None), fault
    assert b"\r\n" in (folder / "flights/flights-2013-05.ndjson").read_bytes()[:2_000]
    assert (folder / "flights/flights-2013-11.ndjson").read_bytes().startswith(b"\xef\xbb\xbf{")


@pytest.mark.parametrize("name", SOURCES)
def test_contracts_require_the_key_and_the_version(name: str) -> None:
    source: Source = read_source(name)
    schema = orjson.loads(source.contract_path.read_bytes())
    jsonschema_rs.meta.validate(schema)
    for pointer in [*source.key, source.version]:
        part = schema
        for name in pointer.split("/")[1:]:
            assert name in part["required"], pointer
            part = part["properties"][name]
        assert part["type"] in ("string", "integer")


@pytest.fixture(scope="module")
def loaded(folder: Path, module_database: str) -> Iterator[None]:
    """The whole sample, landed in a database of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_RAW", str(folder))
        load()
        yield


@pytest.fixture(scope="module")
def built(loaded: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Outcomes and marts of the whole sample, without the features: no outcome depends on them."""
    dbt = Dbt(tmp_path_factory.mktemp("dbt"))
    dbt.succeed("build", *WITHOUT_FEATURES, "test_type:unit")


def test_the_ledger_shows_every_planted_fault(folder: Path, planted: dict[str, Any], loaded: None) -> None:
    faults = planted["faults"]
    rejected = rows("select input_name, position, reason from ledger.open_rejects")
    assert sorted((below(name, folder), position, reason) for name, position, reason in rejected) == sorted(
        (fault["file"], fault["position"], fault["expected"]["rejected"])
        for fault in faults
        if "rejected" in fault["expected"]
    )
    drift = Counter(pointer for fault in faults for pointer in fault["expected"].get("drift", []))
    assert Counter(dict(rows("select pointer, sum(documents)::int from ledger.drift group by pointer"))) == drift
    booked = rows("select source, sum(landed), sum(rejected), sum(skipped) from ledger.batches group by source")
    assert {source: tuple(map(int, counts)) for source, *counts in booked} == {
        source: tuple(counts.get(name, 0) for name in ("landed", "rejected", "skipped"))
        for source, counts in planted["totals"].items()
    }
    for source, *_ in booked:
        [(landed,)] = rows(f"select count(*) from raw.{source}")
        assert landed == planted["totals"][source]["landed"]


def test_a_repeated_file_is_skipped(folder: Path, planted: dict[str, Any], loaded: None) -> None:
    names = rows("select input_id, name from ledger.input_names order by first_seen_at")
    first_of = {input_id: below(name, folder) for input_id, name in reversed(names)}
    found = {below(name, folder): first_of[input_id] for input_id, name in names}
    again = {
        fault["file"]: fault["expected"]["skipped"] for fault in planted["faults"] if "skipped" in fault["expected"]
    }
    assert again == {name: first for name, first in found.items() if name != first}


def test_every_planted_document_has_its_expected_outcome(folder: Path, planted: dict[str, Any], built: None) -> None:
    query = (
        "select input_name, _position, outcome, reason from intermediate.document_outcomes as outcomes"
        " join ledger.named_batches as batches on outcomes._batch_id = batches.batch_id where "
    )
    planted_outcomes = {
        (fault["file"], fault["position"], fault["expected"]["outcome"])
        for fault in planted["faults"]
        if "outcome" in fault["expected"]
    }
    others = rows(f"{query} outcome <> 'current'")
    late = rows(f"{query} outcome = 'current' and input_name like '%/late-%'")
    found = {(below(name, folder), position, outcome) for name, position, outcome, _ in [*others, *late]}
    assert found == {outcome for outcome in planted_outcomes if outcome[1]}
    reasons = [reason for _, _, outcome, reason in others if outcome == "uncastable"]
    assert len(reasons) == 7
    assert all(re.search(r'^\w+: ".*" is (not an? [\w ]+|too large)$', reason) for reason in reasons), reasons


def test_the_outcomes_of_each_source_add_up(planted: dict[str, Any], built: None) -> None:
    totals: dict[str, dict[str, int]] = {source: {} for source in planted["totals"]}
    for source, outcome, documents in rows(
        "select source, outcome, count(*) from intermediate.document_outcomes group by source, outcome"
    ):
        totals[source][outcome] = documents
    assert totals == {
        source: {name: counts[name] for name in OUTCOMES if counts.get(name)}
        for source, counts in planted["totals"].items()
    }


def test_the_marts_hold_the_current_documents(built: None) -> None:
    reference = {"dim_airlines": "airlines", "dim_airports": "airports", "dim_aircraft": "aircraft"}
    for mart, source in reference.items():
        assert rows(f"select count(*) from marts.{mart} where not is_inferred") == [(ROWS[source],)]
    assert rows("select count(*) from marts.fct_flights") == [(ROWS["flights"],)]
    assert rows("select count(*) from marts.fct_weather_observations") == [(26_115,)]
