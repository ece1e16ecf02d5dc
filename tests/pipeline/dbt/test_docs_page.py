"""dbt's documentation is written again in a run if models or columns have changed, and always by its own command."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.dbt import docs_page
from pipeline.errors import DbtFailed
from pipeline.runner import run_some
from pipeline.stages import WORK
from tests.support.small.task import execute

NOTHING_NEW = (0, "nothing new: no model changed")


@pytest.fixture
def written(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A project with one model; return the pages that were written, in a moment instead of seconds."""
    pages: list[Path] = []

    def write(page: Path) -> tuple[int, str]:
        page.write_text("docs")
        pages.append(page)
        return 1, str(page)

    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "dim_cafes.sql").write_text("select 1")
    monkeypatch.setenv("WAYBILL_REPORTS", str(tmp_path))
    monkeypatch.setattr(docs_page, "DBT_PROJECT", tmp_path)
    monkeypatch.setattr(docs_page, "write_docs", write)
    execute("create table marts.dim_cafes (cafe_id int)")
    return pages


def docs() -> tuple[int, str]:
    done = WORK["docs"]()
    return done.rows, done.summary


def test_the_page_is_written_again_only_if_it_would_differ(written: list[Path], tmp_path: Path) -> None:
    assert docs()[0] == 1 and docs() == NOTHING_NEW
    execute("insert into marts.dim_cafes values (1)")
    assert docs() == NOTHING_NEW
    execute("alter table marts.dim_cafes add column name text")
    assert docs()[0] == 1 and docs() == NOTHING_NEW
    model = tmp_path / "models" / "dim_cafes.sql"
    model.write_text("select 2")
    assert docs()[0] == 1 and docs() == NOTHING_NEW
    model.unlink()
    assert docs()[0] == 1 and docs() == NOTHING_NEW
    written[-1].unlink()
    assert docs()[0] == 1 and docs() == NOTHING_NEW


def test_its_own_command_always_writes_the_page(written: list[Path]) -> None:
    run_some(["docs"])
    run_some(["docs"])
    assert len(written) == 2 and docs() == NOTHING_NEW


def test_a_page_that_failed_is_written_again(written: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    docs()
    execute("alter table marts.dim_cafes add column name text")

    def fail(page: Path) -> tuple[int, str]:
        raise DbtFailed("it failed")

    with monkeypatch.context() as broken:
        broken.setattr(docs_page, "write_docs", fail)
        for _ in range(2):
            with pytest.raises(DbtFailed):
                docs()
    assert docs()[0] == 1
