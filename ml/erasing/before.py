"""Keeps which rows marts had before dbt removed the erased ones, also for a command that continues after a kill.

The file in the state folder holds hashes only, and is deleted right after the erasure is complete, or by the next one.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from ml.erasing.mart_rows import MartRows, read_marts
from ml.erasing.subjects import find_subjects
from warehouse.connection import cursor_of
from waybill.atomic_files import atomic_file
from waybill.settings import get_settings

FOLDER = "erasing"  # in the state folder
OWNER_ONLY = 0o600
# A mart for which dbt has processed the erasure already no longer has the rows.
PROCESSED = """
select model from intermediate.processed_batches where batch_id::text = %s and model = any(%s)
"""
IS_RECORDED = "select to_regclass('intermediate.processed_batches') is not null"


@dataclass(frozen=True)
class Before:
    """The rows that the marts had before: mart and key → rows.

    A mart that is left out was missing, or had followed the erasure before its rows were read.
    """

    marts: dict[tuple[str, ...], MartRows]


def read_before(erasure_id: UUID, tables: Collection[str]) -> Before:
    """Return the rows of those tables of schema marts that tasks learn from; they are read once for each erasure.

    Call it before dbt builds the tables, and again if the command continues after a kill.
    """
    path = _path(erasure_id)
    for other in path.parent.glob("*.npz"):
        if other != path:
            other.unlink(missing_ok=True)  # of an erasure that is complete
    if (kept := _read(path)) is not None:
        return kept
    with cursor_of("trainer") as cursor:
        subjects, _ = find_subjects(cursor, tables)
        followed = _processed(cursor, erasure_id, tables)
    before = Before(read_marts([subject for subject in subjects if subject.table not in followed]))
    _write(before, path)
    return before


def forget_before(erasure_id: UUID) -> None:
    """Delete what was kept for an erasure: call it right after it is complete, since a repeated step needs it."""
    _path(erasure_id).unlink(missing_ok=True)


def _path(erasure_id: UUID) -> Path:
    return get_settings().state_folder / FOLDER / f"{erasure_id}.npz"


def _processed(cursor: Any, erasure_id: UUID, tables: Collection[str]) -> set[str]:
    cursor.execute(IS_RECORDED)
    if cursor.fetchone() != (True,):
        return set()
    cursor.execute(PROCESSED, [str(erasure_id), list(tables)])
    return {model for (model,) in cursor.fetchall()}


def _write(before: Before, path: Path) -> None:
    import numpy as np

    arrays: dict[str, Any] = {}
    names: list[Any] = []
    for number, (mart, rows) in enumerate(before.marts.items()):
        names.append([mart, list(rows.features), list(rows.texts)])
        arrays |= {f"{number}_keys": rows.keys, f"{number}_contents": rows.contents}
        arrays |= {f"{number}_features_{place}": one for place, one in enumerate(rows.features.values())}
        arrays |= {f"{number}_texts_{place}": one for place, one in enumerate(rows.texts.values())}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with atomic_file(path, mode=OWNER_ONLY) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, names=np.array(json.dumps(names)), **arrays)


def _read(path: Path) -> Before | None:
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            marts: dict[tuple[str, ...], MartRows] = {}
            for number, (mart, features, texts) in enumerate(json.loads(str(arrays["names"]))):
                marts[tuple(mart)] = MartRows(
                    arrays[f"{number}_keys"],
                    arrays[f"{number}_contents"],
                    {tuple(one): arrays[f"{number}_features_{place}"] for place, one in enumerate(features)},
                    {one: arrays[f"{number}_texts_{place}"] for place, one in enumerate(texts)},
                )
            return Before(marts)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
