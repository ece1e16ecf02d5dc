# waybill: sample
"""After an erase, no byte of the documents is left in any file but the source's: canaries are planted everywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import current_server_paths, rows
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
        held = files_with_canaries(folders(small))
        print(ran.stdout, *held, sep="\n")
        erase = waybill(small, "erase", "flights", KEY)
        print(erase.stdout + erase.stderr)
        assert erase.returncode == 0, erase.stdout + erase.stderr
        yield small, erase.stdout


def test_no_byte_is_left_but_in_the_sources(erased: tuple[SmallPipeline, str]) -> None:
    small, _ = erased
    sources = sorted(str(path) for path in (small.folder / "raw" / "flights").glob("canary-*"))
    assert files_with_canaries(folders(small)) == sources


def test_the_books_balance(erased: tuple[SmallPipeline, str]) -> None:
    ((landed, undone, gone, outcomes),) = rows(BOOKS)
    assert (gone, landed) == (8, outcomes + undone + gone)
