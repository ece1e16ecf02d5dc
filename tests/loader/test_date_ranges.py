"""`load --from --to` loads the files whose names hold a date in the range, and names the others (P3)."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import loader.declarations
from loader.__main__ import loader as command
from loader.errors import FileRefused, RangeRefused
from loader.file_dates import asked_days
from loader.load import load
from loader.plan import Request
from loader.tallies import LoadResult
from tests.support.databases import rows
from tests.support.documents import document, landed_ids

pytestmark = pytest.mark.server  # a dry run asks a server if one runs

DATED = [{"pattern": "{date:%Y-%m}.ndjson*"}, {"pattern": "*.ndjson"}]
MONTHS = ["2024-01", "2024-02", "2024-03"]


def declare(*files: dict[str, str], name: str = "things") -> None:
    declared = yaml.safe_load((loader.declarations.SOURCES / "things.yml").read_text())
    changed = {**declared, "source": name, "files": list(files)}
    (loader.declarations.SOURCES / f"{name}.yml").write_text(yaml.safe_dump(changed))


def put(folder: Path) -> None:
    """Write three months, of which one is compressed, and a file without a date."""
    for number, month in enumerate(MONTHS):
        packed = gzip.compress(document(number)) if number == 1 else document(number)
        (folder / f"{month}.ndjson{'.gz' if number == 1 else ''}").write_bytes(packed)
    (folder / "late.ndjson").write_bytes(document(9))


def tried(first: str | None, last: str | None, *files: Path | str, sources: tuple[str, ...] = ()) -> LoadResult:
    return load(Request(sources, tuple(map(str, files)), dry_run=True, days=asked_days(first, last)))


@pytest.mark.parametrize(
    ("first", "last", "left_out"),
    [
        ("2024-02", "2024-02", ["2024-01.ndjson", "2024-03.ndjson"]),
        ("2024-01-31", "2024-02-01", ["2024-03.ndjson"]),
        ("2024-02-29", None, ["2024-01.ndjson"]),
        (None, "2024-01-01", ["2024-02.ndjson.gz", "2024-03.ndjson"]),
        ("2024", "2024", []),
    ],
)
def test_a_month_belongs_to_a_range_that_touches_it(
    source: Path, first: str | None, last: str | None, left_out: list[str]
) -> None:
    declare(*DATED)
    put(source)
    result = tried(first, last)
    assert result.left_alone.not_in_range == left_out
    assert (result.rows, result.new_files) == (4 - len(left_out), 4 - len(left_out))


def test_the_first_pattern_that_matches_decides(source: Path) -> None:
    declare(*reversed(DATED))
    put(source)
    assert tried("2024-03", None).left_alone.not_in_range == ["2024-02.ndjson.gz"]


def test_files_out_of_the_range_are_named(database: str, source: Path) -> None:
    declare(*DATED)
    put(source)
    shown = CliRunner().invoke(command, ["load", "things", "--from", "2024-03", "--dry-run"]).output
    assert "not in range 2024-01.ndjson\nnot in range 2024-02.ndjson.gz\n" in shown
    landed = CliRunner().invoke(command, ["load", "things", "--from", "2024-03"]).output
    assert landed.splitlines()[-1] == (
        "2 documents landed, 0 rejected, 0 skipped; 2 files new, 0 known; "
        "2 files not in range: 2024-01.ndjson, 2024-02.ndjson.gz"
    )
    assert rows("select command from ledger.runs") == [("load things --from 2024-03-01",)]
    assert load().new_files == 2
    assert landed_ids() == {"t0": 1, "t1": 1, "t2": 1, "t9": 1}


def test_known_files_stay_known_when_a_pattern_gets_a_date(database: str, source: Path) -> None:
    declare({"pattern": "*.ndjson"}, {"pattern": "*.gz"})
    put(source)
    assert load().new_files == 4
    declare(*DATED)
    result = load(Request(days=asked_days("2024", None)))
    assert (result.new_files, result.known_files, result.rows) == (0, 4, 0)
    assert landed_ids() == {"t0": 1, "t1": 1, "t2": 1, "t9": 1}


def test_a_source_without_dates_is_loaded_whole(source: Path) -> None:
    declare(*DATED)
    declare({"pattern": "others/*.ndjson"}, name="others")
    put(source)
    (source / "others").mkdir()
    (source / "others" / "2024-01.ndjson").write_bytes(document(5))
    result = tried("2024-03", "2024-03")
    assert {name: tally.landed for name, tally in result.tallies.items()} == {"others": 1, "things": 2}
    assert tried("2024-03", None, sources=("things", "others")).rows == 3
    with pytest.raises(RangeRefused, match="compare dates in file names, and no pattern of others captures one: write"):
        tried("2024-03", None, sources=("others",))


def test_a_range_without_a_file_is_refused(source: Path) -> None:
    declare(DATED[0])
    put(source)
    wrong = r"^no file of things is in the range from 2025-01-01; 3 files not in range: 2024-01\.ndjson, "
    with pytest.raises(RangeRefused, match=wrong):
        tried("2025", None)


def test_given_files_are_compared_or_refused(source: Path, tmp_path: Path) -> None:
    declare(*DATED)
    put(source)
    outside = tmp_path / "2024-03.ndjson"
    outside.write_bytes(document(1))
    result = tried("2024-03", None, source, sources=("things",))
    assert (result.rows, result.left_alone.not_in_range) == (2, ["2024-01.ndjson", "2024-02.ndjson.gz"])
    assert tried("2024-03", None, source / "2024-03.ndjson", sources=("things",)).rows == 1
    for given in (outside, "-"):
        with pytest.raises(RangeRefused, match="no pattern of things matches this file: put it in"):
            tried("2024-03", None, given, sources=("things",))


def test_several_sources_are_named_before_the_options(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(*DATED)
    declare({"pattern": "others/*.ndjson"}, name="others")
    put(source)
    (source / "others").mkdir()
    (source / "others" / "a.ndjson").write_bytes(document(5))
    shown = CliRunner().invoke(command, ["load", "things", "others", "--from", "2024-03", "--dry-run"]).output
    assert "3 documents of 3 files would be landed" in shown
    with pytest.raises(FileRefused, match="follows 2 sources: name the files of one source at a time"):
        command.main(["load", "things", "others", "a.ndjson"], standalone_mode=False)
    monkeypatch.chdir(source)  # a folder that has the name of a source is meant as a folder
    shown = CliRunner().invoke(command, ["load", "things", "others", "--layout", "ndjson", "--dry-run"]).output
    assert "1 document of 1 file would be landed" in shown
