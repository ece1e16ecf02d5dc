# waybill: sample
"""After an erase, no byte of the documents is left in any file but the source's: canaries are planted everywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.backups.folders import DATABASE, find_backups
from pipeline.erasing.finishing.outputs import CERTIFICATES
from tests.support.api.serving import served
from tests.support.databases import current_server_paths, execute_on_server, rows
from tests.support.erasing.canaries import KEY, compress_no_pages, files_with_canaries, plant, unpack_dump
from tests.support.small.pipeline import SmallPipeline, small_pipeline, small_sample
from waybill.settings import PROJECT, get_settings

pytestmark = [pytest.mark.slow]

TASK = "flight_delays_small"
ANSWERS = f"select count(*) filter (where key ->> 'flight_id' = %s), count(*) from predictions.{TASK}_answers"
# What stays in the folders for outputs: which documents were exported, as hashes.
STAYS = (".state",)
PLACES = (
    "/base/", "/pg_wal/", "/postgres/server.log", "/models/", "/processed/", "/reports/validation/",
    "/reports/documents.html", "/reports/index.html",
)  # fmt: skip
# Where this run writes no texts of documents, but another, or a message of dbt or PostgreSQL, could.
BY_HAND = ("reports/data_docs/index.html", "reports/openlineage.ndjson", "dbt/compiled/failed.sql")
UNUSUAL = 12_000  # miles: more than the check of the marts allows

BOOKS = """
select landed, undone, erased, (select count(*) from intermediate.document_outcomes as o where o.source = 'flights')
from ledger.books where source = 'flights'
"""


WAYBILL = str(Path(sys.executable).with_name("waybill"))


def waybill(small: SmallPipeline, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**small.variables, **variables}
    ran = subprocess.run([WAYBILL, *arguments], capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


def run_with_canaries(small: SmallPipeline) -> None:
    """Let a test of dbt fail on canaries, then the check of the marts; make everything from them nevertheless."""
    like = small_sample()["flights"][3]
    plant(small, like, is_wrong=True)
    assert small.run().returncode == 1
    plant(small, like, is_wrong=False, distance_miles=UNUSUAL)
    checked = small.run("load", "check-raw", "dbt", "check-marts")
    assert checked.returncode == 1
    assert "check-marts" in checked.stderr
    ran = small.run("train", "score", "export", "docs", "report")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for name in BY_HAND:
        with (small.folder / name).open("a") as file:
            file.write('{"message": "CANARY"}\n')


def require_canaries(small: SmallPipeline) -> None:
    """Check that each kind of file has canaries that the search finds, so that it can fail after the erase."""
    execute_on_server("checkpoint")
    held = files_with_canaries(folders(small))
    assert [part for part in (*PLACES, *BY_HAND) if not any(part in path for path in held)] == []


def ask_api(small: SmallPipeline) -> None:
    """Let the API predict the canary and another flight; it has stored its answers when it has ended."""
    ((other,),) = rows("select min(flight_id) from marts.flight_features")
    with served(tasks=PROJECT / "ml" / "tasks", **small.variables) as api:
        asked = {"keys": [{"flight_id": KEY}, {"flight_id": other}]}
        assert api.client.post(f"/v1/tasks/{TASK}/predictions", json=asked).status_code == 200
    assert rows(ANSWERS, KEY) == [(1, 2)]


def folders(small: SmallPipeline) -> list[Path]:
    """Every folder that a command could have written to, and the server's."""
    return [small.folder, get_settings().state_folder, PROJECT / "dbt_project" / "logs", current_server_paths().data]


def assert_only_in_sources(small: SmallPipeline) -> None:
    execute_on_server("checkpoint")
    sources = sorted(str(path) for path in (small.folder / "raw" / "flights").glob("canary-*"))
    assert files_with_canaries(folders(small)) == sources


def unpack(backup: Path) -> Path:
    """Write the database of a backup as SQL into its folder, and return this folder."""
    assert "COPY raw.flights" in unpack_dump(backup / DATABASE, backup / "database.sql").read_text()
    return backup


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder for a backup that is made before the erase."""
    return tmp_path_factory.mktemp("before")


@pytest.fixture(scope="module")
def erased(server: None, tmp_path_factory: pytest.TempPathFactory, before: Path) -> Iterator[SmallPipeline]:
    with small_pipeline(tmp_path_factory.mktemp("canaries")) as small, pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_OPENLINEAGE", "true")
        compress_no_pages()
        run_with_canaries(small)
        ask_api(small)
        waybill(small, "backup", str(before / "backups"))
        require_canaries(small)
        waybill(small, "erase", "flights", KEY)
        yield small
    execute_on_server("alter system reset wal_compression", "select pg_reload_conf()")


def test_no_byte_is_left_but_in_the_sources(erased: SmallPipeline) -> None:
    assert_only_in_sources(erased)


def test_no_output_of_a_run_is_left(erased: SmallPipeline) -> None:
    made = [path for name in ("reports", "processed", "dbt") for path in (erased.folder / name).rglob("*")]
    left = [path for path in made if path.is_file() and not path.name.endswith(STAYS)]
    assert {path.parent for path in left} == {erased.folder / "reports" / CERTIFICATES}


def test_only_the_answers_about_it_are_deleted(erased: SmallPipeline) -> None:
    assert rows(ANSWERS, KEY) == [(0, 1)]


def test_the_books_balance(erased: SmallPipeline) -> None:
    assert_balanced(8)


def test_a_drill_of_an_older_backup_leaves_no_byte(erased: SmallPipeline, before: Path) -> None:
    (backup,) = find_backups(before / "backups")
    scratch = erased.folder / "scratch"
    scratch.mkdir()
    drilled = waybill(erased, "drill", str(backup), TMPDIR=str(scratch))
    assert "erased:   8 documents of flights" in drilled.stdout
    assert list(scratch.iterdir()) == []
    assert_only_in_sources(erased)
    shutil.copytree(backup, before / "unpacked")
    held = files_with_canaries([unpack(before / "unpacked")])
    assert any(path.endswith("database.sql") for path in held), "the search finds nothing in a backup"
    assert any(path.endswith(".gz") for path in held), "the search finds nothing in a compressed file"


def test_what_arrives_again_is_counted_and_kept_nowhere(erased: SmallPipeline) -> None:
    first = next((erased.folder / "raw" / "flights").glob("canary-*"))
    first.with_name("canary-again.ndjson").write_bytes(first.read_bytes() * 2)
    ran = erased.run()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert_only_in_sources(erased)
    assert_balanced(16)


def test_no_byte_is_in_a_new_backup(erased: SmallPipeline) -> None:
    waybill(erased, "backup", str(erased.folder / "backups"))
    with (erased.folder / "backup.tar").open("wb") as archive:
        subprocess.run([WAYBILL, "backup", "-"], stdout=archive, env=erased.variables, check=True)
    (erased.folder / "piped").mkdir()
    subprocess.run(["tar", "-xf", erased.folder / "backup.tar", "-C", erased.folder / "piped"], check=True)
    for folder in ("backups", "piped"):
        (backup,) = find_backups(erased.folder / folder)
        unpack(backup)
    assert_only_in_sources(erased)


def assert_balanced(erased: int) -> None:
    ((landed, undone, gone, outcomes),) = rows(BOOKS)
    assert (gone, landed) == (erased, outcomes + undone + gone)
