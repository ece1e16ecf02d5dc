"""Measures a task's predictions in the warehouse and a baseline's, on the same test rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from psycopg2 import sql

from benchmarks.own_models.baseline import Figures, Sets, fit_and_measure, measured
from ml.reading.frame import SET, read_rows
from ml.sets import SETS
from ml.task import Task
from warehouse.connection import connect

COMMENTS = """
select attname, col_description(attrelid, attnum) from pg_attribute
where attrelid = to_regclass({}) and attnum > 0 and attname ~ '^probability' order by attnum
"""
PREFIX = "Probability of the label "
NOISE = 2  # standard deviations of the ROC AUC that are no difference


@dataclass(frozen=True)
class Comparison:
    """The figures on the test rows: a dummy's, the baseline's, and those of the predictions that Waybill wrote."""

    rows: int
    classes: int
    split: str
    used: int
    left_out: int
    leaks: int
    chosen: str
    dummy: Figures
    baseline: Figures
    one_hot: Figures
    waybill: Figures

    @property
    def is_worse(self) -> bool:
        """True if Waybill's model is worse than the baseline by more than noise."""
        return self.waybill.auc < self.baseline.auc - NOISE * self.baseline.noise


def compare(project: Path, name: str) -> Comparison:
    """Fit the baseline with the estimator that Waybill chose; measure both on the test rows."""
    text = (project / "ml" / "tasks" / f"{name}.yml").read_text(encoding="utf-8")
    task = Task.model_validate(yaml.safe_load(text))
    folder = project / "models" / name
    manifest = json.loads((folder / (folder / "current").read_text().strip() / "manifest.json").read_text())
    rows = _mart_rows(task)
    sets = Sets(*(rows[rows[SET] == SETS.index(one)] for one in ("train", "test")))
    classes = sorted(sets.training[task.label].unique())
    comments = [line for line in text.splitlines() if line.startswith("#   ") and ": " in line]
    return Comparison(
        rows=len(rows),
        classes=len(classes),
        split=task.split.kind,
        used=len(task.features),
        left_out=len(comments),
        leaks=sum(": leak: " in line for line in comments),
        chosen=manifest["chosen"],
        dummy=fit_and_measure(task, "dummy", sets),
        baseline=fit_and_measure(task, manifest["chosen"], sets),
        one_hot=fit_and_measure(task, manifest["chosen"], sets, is_one_hot=True),
        waybill=_predicted(task, sets.test, classes),
    )


def _mart_rows(task: Task) -> Any:
    """Return the labelled rows of the mart that have a set; of a class that the task leaves out, none."""
    rows = read_rows(task)[[*task.key, task.label, SET]]
    rows = rows[rows[task.label].notna() & (rows[SET] >= 0)]
    rows = rows.merge(_features(task), on=task.key, validate="one_to_one")
    in_training = rows[rows[SET] == SETS.index("train")][task.label].value_counts()
    return rows[rows[task.label].isin(in_training[in_training >= 5].index)]


def _features(task: Task) -> Any:
    """Return the features as a notebook reads them: `select` into pandas, with the key as text."""
    key = sql.SQL(", ").join(sql.SQL("{0}::text as {0}").format(sql.Identifier(one)) for one in task.key)
    names = sql.SQL(", ").join(sql.Identifier(one) for one in task.features if one not in task.key)
    return _read(sql.SQL("select {}, {} from {}").format(key, names, sql.Identifier("marts", task.table)))


def _read(statement: sql.Composable) -> Any:
    import pandas as pd

    connection = connect("reader")
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        found = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])
    connection.close()
    return found


def _predicted(task: Task, test: Any, classes: list[str]) -> Figures:
    """Measure the predictions of the test rows in `predictions.NAME`."""
    import pandas as pd

    comments = _read(sql.SQL(COMMENTS).format(sql.Literal(f'predictions."{task.task}"')))
    columns = {name: comment.removeprefix(PREFIX) for name, comment in comments.itertuples(index=False)}
    key = sql.SQL(", ").join(sql.SQL("{0}::text as {0}").format(sql.Identifier(one)) for one in task.key)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    found = _read(sql.SQL("select {}, {} from {}").format(key, names, sql.Identifier("predictions", task.task)))
    joined = test[[*task.key, task.label]].merge(found, on=task.key, how="left", validate="one_to_one")
    if len(columns) == 1:
        [column] = columns
        value = str(task.positive_value if task.positive_value is not None else True).lower()
        value = next(one for one in classes if one.lower() == value)
        probabilities = [joined[column] if one == value else 1 - joined[column] for one in classes]
    else:
        probabilities = [joined[{word: name for name, word in columns.items()}[one]] for one in classes]
    return measured(pd.concat(probabilities, axis=1).to_numpy(), joined[task.label].astype(str), classes)
