"""The notebook about a model runs for any declared task: of two classes, of several, and without the sample."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pytest
import yaml

import ml.task
from ml.train import train
from tests.support.small.orders_task import CHANNELS, make_orders
from tests.support.small.task import TASK, execute
from waybill.settings import PROJECT

NOTEBOOK = PROJECT / "notebooks" / "02-model-report.ipynb"
DAYS = """
    create table marts.rows as
    select 'r' || n as row_id, date '2013-01-01' + n % 120 as on_date, (n * 7) % 20 > 10 as is_late,
        case n % 2 when 0 then 'NE' else 'SW' end as shop, (n * 7) % 20 + n % 11 as delay
    from generate_series(1, 1200) as n
"""
PROCESSED = """
    create table intermediate.processed_batches (model text, batch_id uuid);
    create table intermediate.document_outcomes (_batch_id uuid, outcome text);
    grant select on intermediate.processed_batches, intermediate.document_outcomes to waybill_trainer, waybill_reader;
    grant select on all tables in schema marts to waybill_trainer, waybill_reader
"""


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return found


def run_notebook(path: Path) -> list[str]:
    """Run the code cells in one namespace, and return what Jupyter would show of each cell's last expression."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for cell in cells(path):
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, path.name, "exec"), namespace)  # noqa: S102
        value = eval(compile(last, path.name, "eval"), namespace) if last else None  # noqa: S307
        shown.append(value._repr_html_() if hasattr(value, "_repr_html_") else str(value))
    return shown


@pytest.fixture
def project(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the folder of tasks of a project without any other one; plots are drawn and not shown."""
    monkeypatch.setenv("WAYBILL_MODELS", str(tmp_path / "models"))
    (tmp_path / "tasks").mkdir()
    monkeypatch.setattr(ml.task, "TASKS", tmp_path / "tasks")
    monkeypatch.setattr(sys, "path", list(sys.path))
    matplotlib.use("agg")
    yield tmp_path / "tasks"
    plt.close("all")


def test_it_is_committed_without_outputs() -> None:
    assert [cell for cell in cells(NOTEBOOK) if cell.get("outputs") or cell.get("execution_count")] == []


def test_it_explains_a_model_of_two_classes(project: Path) -> None:
    execute(DAYS, PROCESSED)
    (project / "small.yml").write_text(yaml.safe_dump({**TASK, "limits": ["Not for gifts."]}))
    train("small")
    shown = "\n".join(run_notebook(NOTEBOOK))
    assert "by resampling 30 whole days" in shown
    assert "fitted again on train and validation" in shown
    assert 'aria-label="Calibration. ' in shown
    assert "a miss costs" in shown
    assert "2013-04" in shown


def test_it_explains_a_model_of_several_classes(project: Path) -> None:
    make_orders()
    execute(PROCESSED)
    (project / "channels.yml").write_text(yaml.safe_dump(CHANNELS))
    train("channels")
    shown = "\n".join(run_notebook(NOTEBOOK))
    assert "macro-F1" in shown
    assert "predicted" in shown and "-shop" in shown


def test_without_a_model_it_says_what_to_type(project: Path) -> None:
    with pytest.raises(AssertionError, match="declare one with `waybill new-task`, then run `waybill train`"):
        run_notebook(NOTEBOOK)
