"""The view `predictions.<task>`: the rows of one model, the current one, with the columns of its kind of label.

It is replaced in place where the columns stay, so that rights on it and views on it stay; else it is made again, and
gets the rights that it had.
"""

from __future__ import annotations

import re
from typing import Any

from psycopg2 import errors, sql

from ml.prediction_tables.by_model import has_other_columns, read_states
from ml.prediction_tables.grants import Grant, grant_again
from ml.prediction_tables.shape import LABEL, Shape, column_types, table_of

PLACE = ("predictions",)
VIEW = "create or replace view {view} as select {columns} from {table} where model_id = {model_id}"
# The last comparison of the training rows counts, which may be later than the prediction.
IS_STALE = """
coalesce(
    (
        select checks.is_stale
        from predictions.model_checks as checks
        where checks.task = {task} and checks.model_id = {model_id}
    ),
    is_stale
) as is_stale
"""
CHECKS = "model_checks"  # what a view does not name that an older table was converted to
DEFINITION = "select pg_get_viewdef(to_regclass(%s))"
MODEL = re.compile(r"model_id = '([0-9a-f-]{36})'::uuid")


def view_of(task: str) -> sql.Identifier:
    """Return the name of the view for a statement."""
    return sql.Identifier("predictions", task)


def shown_model(cursor: Any, task: str) -> str | None:
    """Return the id of the model whose rows the view has; None if there is no view yet."""
    found = MODEL.search(_read_definition(cursor, task))
    return found[1] if found else None


def show_model(cursor: Any, task: str, model_id: str, shape: Shape, grants: list[Grant]) -> None:
    """Let the view have the rows of a model, which have been written; a view that is made again gets the rights.

    Raises:
        TableInUse: the view must get other columns, and something depends on it.
    """
    found = column_types(cursor, "predictions", task)
    has_columns = list(found.items()) == list(shape.types.items())
    is_shown = shown_model(cursor, task) == model_id and CHECKS in _read_definition(cursor, task)
    state = read_states(cursor, task).get(model_id, "")
    if has_columns and is_shown and _read_comment(cursor, task) == state:
        return
    if found and not has_columns:
        try:
            cursor.execute(sql.SQL("drop view {}").format(view_of(task)))
        except errors.DependentObjectsStillExist as error:
            raise has_other_columns(task, error) from None
    if not has_columns or not is_shown:
        _make_view(cursor, task, model_id, shape)
    if not has_columns:
        grant_again(cursor, view_of(task), grants)
    _comment(cursor, task, {**shape.comments, "": state})


def _make_view(cursor: Any, task: str, model_id: str, shape: Shape) -> None:
    shown = sql.SQL("{}::uuid").format(sql.Literal(model_id))
    selected = {name: _selected(name, shape) for name in shape.types}
    selected["is_stale"] = sql.SQL(IS_STALE).format(task=sql.Literal(task), model_id=shown)
    columns = sql.SQL(", ").join(selected.values())
    cursor.execute(sql.SQL(VIEW).format(view=view_of(task), columns=columns, table=table_of(task), model_id=shown))


def _selected(name: str, shape: Shape) -> sql.Composable:
    column = sql.Identifier(name)
    return sql.SQL("cast({0} as {1}) as {0}").format(column, sql.SQL(shape.types[name])) if name == LABEL else column


def _read_definition(cursor: Any, task: str) -> str:
    """Return the definition of the view; empty if there is no view yet."""
    cursor.execute(DEFINITION, [view_of(task).as_string(cursor)])
    (definition,) = cursor.fetchone()
    return definition or ""


def _read_comment(cursor: Any, task: str) -> str | None:
    cursor.execute("select obj_description(to_regclass(%s), 'pg_class')", [view_of(task).as_string(cursor)])
    (found,) = cursor.fetchone()
    return str(found) if found is not None else None


def _comment(cursor: Any, task: str, comments: dict[str, str]) -> None:
    """Write the comments of the view's columns, and of the view itself under an empty name."""
    for name, text in comments.items():
        target = sql.SQL("column {}" if name else "view {}").format(sql.Identifier(*filter(None, (*PLACE, task, name))))
        cursor.execute(sql.SQL("comment on {} is {}").format(target, sql.Literal(text)))
