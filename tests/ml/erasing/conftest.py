"""An erasure of rows of the small task: what `waybill erase` calls before and after dbt has removed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ml.erasing.before import forget_before, read_before
from ml.erasing.erase import Erasure, erase_from_models
from ml.erasing.report import ErasedFromModels, Policy
from tests.support.small.task import execute
from waybill.identifiers import uuid7


@dataclass
class Erase:
    """Changes the mart of the small task as dbt does, and erases from predictions and models what is gone."""

    erasure: Erasure

    def __call__(self, condition: str, policy: Policy = "keep-marked", **more: Any) -> ErasedFromModels:
        """Begin another erasure, delete the rows for which the condition holds, and complete it."""
        self.erasure = Erasure(uuid7(), ["rows"], policy, **more)
        found = self.go_on(f"delete from marts.rows where {condition}")
        forget_before(self.erasure.erasure_id)
        return found

    def go_on(self, *statements: str) -> ErasedFromModels:
        """Do what is left to do of the erasure, which may have been killed; the statements are what dbt does."""
        before = read_before(self.erasure.erasure_id, self.erasure.tables)
        execute(*statements)
        return erase_from_models(self.erasure, before)


@pytest.fixture
def erase(task: Any) -> Erase:
    """Return what erases rows of the small task."""
    return Erase(Erasure(uuid7(), ["rows"], "keep-marked"))
