# waybill: sample
"""After an erase, no byte of the documents is left in any file but the source's: canaries are planted everywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import current_server_paths, execute_on_server, rows
from tests.support.erasing.canaries import KEY, files_with_canaries, plant
from tests.support.small.pipeline import SmallPipeline, small_pipeline, small_sample
from waybill.settings import PROJECT, get_settings

pytestmark = [pytest.mark.slow]

BOOKS = """
select landed, undone, erased, (select count(*) from intermediate.document_outcomes as o where o.source = 'flights')
from ledger.books where source = 'flights'
"""


def waybill(small: SmallPipeline, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("waybill")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=small.variables, check=False)


def folders(small: SmallPipeline) -> list[Path]:
    """Every folder that a command could have written to, and the server's."""
    return [small.folder, get_settings().state_folder, PROJECT / "dbt_project" / "logs", current_server_paths().data]


@pytest.fixture(scope="module")
def erased(server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallPipeline, str]]:
    with small_pipeline(tmp_path_factory.mktemp("canaries")) as small, pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_OPENLINEAGE", "true")
        like = small_sample()["flights"][3]
        plant(small, like, is_wrong=True)
        assert small.run().returncode == 1
        plant(small, like, is_wrong=False)
        ran = small.run()
        assert ran.returncode == 0, ran.stdout + ran.stderr
        execute_on_server("checkpoint")
        held = files_with_canaries(folders(small))
        for part in ("/processed/", "/reports/documents.html", "/reports/index.html", "/base/", "/pg_wal/"):
            assert any(part in path for path in held), f"no canary was planted in {part}"
        erase = waybill(small, "erase", "flights", KEY)
        assert erase.returncode == 0, erase.stdout + erase.stderr
        yield small, erase.stdout


def test_no_byte_is_left_but_in_the_sources(erased: tuple[SmallPipeline, str]) -> None:
    small, _ = erased
    sources = sorted(str(path) for path in (small.folder / "raw" / "flights").glob("canary-*"))
    assert files_with_canaries(folders(small)) == sources


def test_the_books_balance(erased: tuple[SmallPipeline, str]) -> None:
    assert_balanced(8)


def test_what_arrives_again_is_counted_and_kept_nowhere(erased: tuple[SmallPipeline, str]) -> None:
    small, _ = erased
    first = next((small.folder / "raw" / "flights").glob("canary-*"))
    first.with_name("canary-again.ndjson").write_bytes(first.read_bytes() * 2)
    ran = small.run()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    backup = waybill(small, "backup", str(small.folder / "backups"))
    assert backup.returncode == 0, backup.stdout + backup.stderr
    execute_on_server("checkpoint")
    sources = sorted(str(path) for path in (small.folder / "raw" / "flights").glob("canary-*"))
    assert files_with_canaries(folders(small)) == sources
    assert_balanced(16)


def assert_balanced(erased: int) -> None:
    ((landed, undone, gone, outcomes),) = rows(BOOKS)
    assert (gone, landed) == (erased, outcomes + undone + gone)
