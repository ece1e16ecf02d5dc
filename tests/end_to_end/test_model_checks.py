"""A model's check follows its rows through loads, runs of dbt and an undo; a run with nothing new checks nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import fresh_database, rows
from tests.support.own_sources.clone import NewProject

CHECK = """
select is_stale, is_outdated, changed_batches, checked_at
from predictions.model_checks
where task = 'returned'
order by model_id desc
limit 1
"""


def orders(first: int, last: int) -> str:
    """Return orders of which the cheap ones are returned, mostly."""
    lines = [
        {
            "order_id": f"o{n}",
            "price": n * 7 % 50,
            "shop": "NE" if n % 2 else "SW",
            "is_returned": n * 7 % 50 + n % 9 < 27,
        }
        for n in range(first, last)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def project(server: None, tmp_path: Path) -> Any:
    """A clone with its own source, and a model of a task on the mart of that source."""
    with fresh_database("checks"):
        found = NewProject(tmp_path)
        file = found.write("2026-01.ndjson", orders(0, 400))
        found.waybill("new", "orders", file, "--key", "/order_id")
        found.waybill("load", "orders", file)
        found.waybill("dbt", "build", "--select", "tag:orders")
        found.waybill("new-task", "returned", "--table", "fct_orders", "--label", "is_returned")
        found.waybill("train", "--task", "returned")
        found.waybill("score", "--task", "returned")
        yield found


@pytest.mark.slow
def test_a_check_follows_loads_runs_and_an_undo(project: NewProject) -> None:
    before = rows(CHECK)
    assert before[0][:3] == (False, False, [])
    for command in (
        ("dbt", "run", "--select", "tag:orders"),
        ("train", "--task", "returned"),
        ("score", "--task", "returned"),
    ):
        project.waybill(*command)
    assert rows(CHECK) == before, "a run with nothing new compared rows"
    assert project.waybill("verify").returncode == 0
    before = rows(CHECK)

    later = project.write("2026-02.ndjson", orders(400, 460))
    project.waybill("load", "orders", later)
    assert rows(CHECK) == before
    ran = project.waybill("run", "dbt")
    assert "the model of returned is STALE: its training rows have changed (orders: " in ran.stdout
    ((is_stale, is_outdated, changed, _),) = rows(CHECK)
    assert (is_stale, is_outdated) == (True, False) and changed[0].endswith("2026-02.ndjson")
    found = verify(project)
    assert found["batches"][0]["name"].endswith("2026-02.ndjson") and found["batches"][0]["rows_at_training"] == 0

    project.waybill("train", "--task", "returned")
    assert rows(CHECK)[0][:2] == (False, False)
    project.waybill("undo", later)
    assert rows(CHECK)[0][:2] == (False, True), "the check counts although a batch was undone"
    project.waybill("dbt", "run", "--select", "tag:orders")
    ((is_stale, is_outdated, changed, _),) = rows(CHECK)
    assert (is_stale, is_outdated) == (True, False) and changed[0].endswith("2026-02.ndjson (removed)")
    found = verify(project)
    assert found["batches"][0]["name"].endswith("2026-02.ndjson") and found["batches"][0]["rows_now"] == 0


def verify(project: NewProject) -> dict[str, Any]:
    """Return what verify says of the task's current model, which has changed."""
    verified = project.waybill("verify", "returned", "--json", check=False)
    assert verified.returncode == 1, verified.stderr
    (found,) = json.loads(verified.stdout)
    return dict(found)
