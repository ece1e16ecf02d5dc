"""Every declared task asks for columns that its mart has."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ml.task import TASKS, read_task


@pytest.mark.parametrize("name", sorted(path.stem for path in TASKS.glob("*.yml")))
def test_a_task_asks_for_columns_that_its_mart_declares(name: str) -> None:
    task = read_task(name).task
    [model] = yaml.safe_load(Path(f"dbt_project/models/marts/{task.table}.yml").read_text())["models"]
    assert set(task.columns) - {column["name"] for column in model["columns"]} == set()
