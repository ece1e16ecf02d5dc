"""An erasure of rows of the small task: what `waybill erase` calls before and after dbt has removed them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ml.erasing.before import forget_before, read_before
from ml.erasing.erase import Erasure, erase_from_models
from ml.erasing.report import ErasedFromModels
from tests.support.small.task import execute
from waybill.identifiers import uuid7

TABLES = ("rows",)


@pytest.fixture
def erase(task: Any) -> Callable[..., ErasedFromModels]:
    """Return what deletes the rows for which a condition holds, and erases them from predictions and models."""

    def erase_rows(condition: str, policy: Any = "keep-marked", **more: Any) -> ErasedFromModels:
        erasure = Erasure(uuid7(), TABLES, policy, **more)
        before = read_before(erasure.erasure_id, TABLES)
        execute(f"delete from marts.rows where {condition}")
        found = erase_from_models(erasure, before)
        forget_before(erasure.erasure_id)
        return found

    return erase_rows
