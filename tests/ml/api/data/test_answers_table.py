"""The table of answers: who may do what with it, and which names are left for it."""

from __future__ import annotations

import threading
from typing import Any

import psycopg2
import pytest

from ml.errors import TableInUse
from ml.prediction_tables.answers import delete_old_answers, make_answers_table, tasks_with_answers
from ml.task import Task
from tests.support.databases import rows
from tests.support.small.task import TASK, execute
from warehouse.connection import connect, cursor_of
from warehouse.logins import own_logins
from waybill.settings import get_settings

pytestmark = [pytest.mark.creator, pytest.mark.plain]  # also on an external server: see `make test-server`

ADD = "insert into predictions.small_answers (prediction_id, answered_at, model_id, features) values"
ONE = "(gen_random_uuid(), now() - interval '{} days', gen_random_uuid(), '{{}}')"


def as_api(*statements: str) -> None:
    with cursor_of("api") as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_the_api_adds_answers_and_a_reader_sees_them(database: str) -> None:
    make_answers_table("small")
    make_answers_table("small")
    as_api(f"{ADD} {ONE.format(0)}")
    assert rows("select count(*), bool_and(key is null) from predictions.small_answers") == [(1, True)]


@pytest.mark.parametrize(
    "statement",
    [
        "select from predictions.small_answers",
        "update predictions.small_answers set key = '{}'",
        "delete from predictions.small_answers",
        "truncate predictions.small_answers",
        "drop table predictions.small_answers",
    ],
)
def test_the_api_can_only_add_answers(database: str, statement: str) -> None:
    if not own_logins(get_settings()):
        pytest.skip("one login does it all here")
    make_answers_table("small")
    connection = connect("api")
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(statement)
    connection.close()


def test_a_login_that_the_api_gets_later_may_add_answers(database: str) -> None:
    if not own_logins(get_settings()):
        pytest.skip("one login does it all here")
    make_answers_table("small")
    with cursor_of("trainer") as cursor:
        cursor.execute("revoke insert on predictions.small_answers from waybill_api")
    make_answers_table("small")
    as_api(f"{ADD} {ONE.format(0)}")


def test_several_commands_make_the_table_once(database: str) -> None:
    failed: list[Exception] = []

    def make() -> None:
        try:
            make_answers_table("small")
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_old_answers_of_every_task_are_deleted(database: str) -> None:
    execute("create table predictions.survey_answers (n int)", "create table predictions.answers (prediction_id uuid)")
    for task in ("small", "gone"):
        make_answers_table(task)
        as_api(f"{ADD.replace('small', task)} {', '.join(ONE.format(days) for days in (0, 29, 31, 400))}")
    with cursor_of("trainer") as cursor:
        assert tasks_with_answers(cursor) == ["gone", "small"]
    assert delete_old_answers(30) == 4
    assert delete_old_answers(30) == 0
    assert rows("select count(*), min(answered_at) > now() - interval '30 days' from predictions.small_answers") == [
        (2, True)
    ]


def test_a_table_of_another_kind_is_left_alone(database: str) -> None:
    execute("create table predictions.small_answers (n int)", "insert into predictions.small_answers values (1)")
    with pytest.raises(TableInUse, match=r"predictions\.small_answers has other columns than .*: rename or drop it"):
        make_answers_table("small")
    with cursor_of("owner") as cursor:
        cursor.execute("select n from predictions.small_answers")
        assert cursor.fetchall() == [(1,)]


@pytest.mark.parametrize("name", ["small_answers", "small_by_model"])
def test_no_task_has_the_name_of_a_table_of_another(name: str) -> None:
    declared: dict[str, Any] = {**TASK, "task": name}
    with pytest.raises(
        ValueError, match=f"has a name that ends in _{name.partition('_')[2]}, as tables of predictions"
    ):
        Task.model_validate(declared)
