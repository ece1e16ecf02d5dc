"""Finds the stages of a whole run that have nothing to do, because the warehouse only holds data of other sources."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from pipeline.stages import WORK, StageResult
from warehouse.connection import engine
from waybill.settings import get_settings, relative_name

LANDED = "select exists (select from ledger.batches where landed > 0)"
EVER_LOADED = """
select exists (
    select from intermediate.processed_batches as processed
    inner join ledger.named_batches as batches on processed.batch_id = batches.batch_id
    where processed.model = :table and batches.landed > 0
)
"""


def work_unless_idle(name: str) -> StageResult:
    """Do the work of a stage of a whole run, or say why there is none.

    A load has none if the raw folder holds no file and documents have landed from elsewhere; training and scoring have
    none if no document of their table was ever loaded.
    """
    reason = IDLE[name]() if name in IDLE else None
    return StageResult(0, reason) if reason else WORK[name]()


def _load_is_idle() -> str | None:
    from loader.declarations import read_source, source_names

    folder = get_settings().raw_folder
    if any(read_source(name).default_files(folder) for name in source_names()) or not _is_true(LANDED):
        return None
    return f"no files of a source in {relative_name(folder)}; all that landed was given to `waybill load` or a topic"


def _task_is_idle() -> str | None:
    from ml.task import chosen_task, read_task

    table = read_task(chosen_task()).task.table
    return None if _is_true(EVER_LOADED, table=table) else f"nothing to do: no document of {table} was ever loaded"


def _is_true(query: str, **parameters: str) -> bool:
    with engine("reader").connect() as connection:
        return bool(connection.scalar(text(query), parameters))


IDLE: dict[str, Callable[[], str | None]] = {"load": _load_is_idle, "train": _task_is_idle, "score": _task_is_idle}
