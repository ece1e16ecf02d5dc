"""`waybill adopt` as a user types it: late fields fill the marts for all documents that landed; bad input is one line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import fresh_database, rows
from tests.support.own_sources.clone import NewProject, next_commands
from tests.support.own_sources.mart_contents import mart_contents

pytestmark = pytest.mark.slow
BUILD = ("dbt", "build", "--select", "tag:orders")


def order(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"o{number}", "at": f"2024-01-{number % 28 + 1:02}", "lines": [{"sku": "a", "n": number}], **more}


EARLY = [order(number) for number in range(30)]
LATE = [
    order(
        number,
        lines=[{"sku": "b", "n": 1, "discount": 0.5, "taxes": {"vat": 0.2}}, {"sku": "c"}],
        tags=["x", "y"],
        parcels=[{"code": f"p{number}", "events": [{"at": "2024-02-01T10:00:00Z"}]}],
        coupon="C1",
    )
    for number in range(20, 60)
]


def lines(documents: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{json.dumps(document)}\n" for document in documents)


def one_line(project: NewProject, *arguments: str) -> str:
    """Return the one line of a command that is refused."""
    ran = project.waybill("adopt", *arguments, check=False)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1), ran.stderr
    assert ran.stdout == ""
    return ran.stderr


@pytest.fixture
def project(database: str, tmp_path: Path) -> NewProject:
    """Return a project with a source whose early documents are in its marts; late ones have landed."""
    made = NewProject(tmp_path)
    early = made.write("early.ndjson", lines(EARLY))
    made.waybill("new", "orders", early)
    made.waybill("load", "orders", early)
    made.waybill("dbt", "build", "--select", "tag:orders")
    made.waybill("load", "orders", made.write("late.ndjson", lines(LATE)))
    return made


def test_adopted_fields_equal_a_load_under_the_final_contract(project: NewProject) -> None:
    dry = project.waybill("adopt", "orders", "--dry-run").stdout
    assert "\nNothing was written\n" in dry and "/lines/*/discount" in dry
    shown = project.waybill("adopt", "orders").stdout
    assert "marts.fct_orders_parcels_events" in shown and "\nChanged " in shown
    assert next_commands(shown)[0].endswith("dbt build --select tag:orders")
    project.waybill(*BUILD)
    adopted = mart_contents("orders")
    assert rows("select count(*) from marts.fct_orders where coupon = 'C1'") == [(40,)]
    assert rows("select * from intermediate.fields_not_adopted") == []
    again = project.waybill("adopt", "orders")
    assert again.stdout == ("orders: nothing to adopt: the models are as the documents that landed need them\n")
    project.waybill("check", "raw")
    project.waybill("check", "marts")
    with fresh_database():
        for name in ("early.ndjson", "late.ndjson"):
            project.waybill("load", "orders", project.data / name)
        project.waybill(*BUILD)
        assert mart_contents("orders") == adopted
    assert set(adopted) == {f"fct_orders{suffix}" for suffix in ("", "_lines", "_tags", "_parcels", "_parcels_events")}


def test_edited_files_get_a_patch_and_nothing_is_written(project: NewProject) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    mart = project.folder / "dbt_project/models/marts/orders/fct_orders.sql"
    mart.write_text(mart.read_text().replace("        _position\n", "        _position,\n        1 as one\n"))
    described = mart.with_suffix(".yml")
    described.write_text(described.read_text().replace("    constraints:", "    # mine\n    constraints:", 1))
    before = {path: path.read_bytes() for path in project.folder.rglob("*orders*") if path.is_file()}
    ran = project.waybill("adopt", "orders", check=False)
    assert ran.returncode == 1
    assert "has to change, and was edited or has no tag: nothing was written" in ran.stderr.splitlines()[-1]
    assert {path: path.read_bytes() for path in project.folder.rglob("*orders*") if path.is_file()} == before
    subprocess.run(["git", "apply"], input=ran.stdout, text=True, cwd=project.folder, check=True)
    assert "1 as one" in mart.read_text() and "coupon" in mart.read_text() and "# mine" in described.read_text()
    assert "nothing to adopt" in project.waybill("adopt", "orders").stdout


TASK = """task: sizes
table: fct_orders_lines
key: [id, line_number]
label: sku
split: {}
numeric: [n]
candidates: {dummy: {}}
"""


def test_a_type_that_would_go_changes_only_if_it_is_named(project: NewProject) -> None:
    (project.folder / "ml/tasks/sizes.yml").write_text(TASK)
    mine = project.folder / "dbt_project/models/marts/mine.sql"
    mine.write_text("select sum(n) as n from {{ ref('fct_orders_lines') }}\n")
    late = [order(number, lines=[{"sku": "a", "n": "many"}]) for number in range(60, 63)]
    project.waybill("load", "orders", project.write("words.ndjson", lines(late)))
    staging = project.folder / "dbt_project/models/staging/orders/stg_orders_lines.sql"
    shown = project.waybill("adopt", "orders").stdout
    assert '/lines/*/n (integer): 3 of 73 values do not fit, such as "many"' in shown
    assert "waybill adopt orders '/lines/*/n'\n" in shown
    uses = [
        "fct_orders_lines.n: used by ml/tasks/sizes.yml (numeric): change it there",
        "fct_orders_lines.n: used by dbt_project/models/marts/mine.sql: change it there",
    ]
    assert all(use in shown for use in uses)
    assert "'n': 'integer'" in staging.read_text() and "coupon" in shown
    again = project.waybill("adopt", "orders").stdout
    assert again.startswith("orders: nothing to adopt without a path that you name\n") and "such as" in again
    same = project.waybill("adopt", "orders", "/lines/*/n", "--type", "/lines/*/n=integer").stdout
    assert same.startswith("orders: nothing to adopt at /lines/*/n")
    shown = project.waybill("adopt", "orders", "/lines/*/n", "--type", "/lines/*/n=text").stdout
    assert all(use in shown for use in uses) and "'n': 'integer'" not in staging.read_text()


def test_bad_input_is_one_line(project: NewProject) -> None:
    assert "there is no source ordrs; the declared ones are: " in one_line(project, "ordrs")
    assert "no landed document of orders has /cupon; did you mean /coupon?" in one_line(project, "orders", "/cupon")
    assert "--type /coupon=integer: at least 40 of 40 values cannot be cast" in one_line(
        project, "orders", "/coupon", "--type", "/coupon=integer"
    )
    assert "--key /nope: no document has this field" in one_line(project, "orders", "--key", "/nope")
    assert "--column id: write --column PATH=name" in one_line(project, "orders", "--column", "id")
    assert "coupon is not a JSON pointer: write /coupon" in one_line(project, "orders", "coupon")


def test_a_source_without_documents_or_models_is_one_line(database: str, tmp_path: Path) -> None:
    project = NewProject(tmp_path)
    project.waybill("new", "orders", project.write("early.ndjson", lines(EARLY)))
    assert "nothing of source orders has landed: run `" in one_line(project, "orders")
    declaration = project.folder / "loader/sources/visits.yml"
    declaration.write_text(
        "source: visits\ndescription: Visits.\ncontract: visits.schema.json\nkey: [/id]\nversion: delivery\n"
    )
    (project.folder / "loader/contracts/visits.schema.json").write_text('{"type": "object"}')
    assert "visits has no models to add fields to: make them with `" in one_line(project, "visits")
    staging = project.folder / "dbt_project/models/staging/stg_visits.sql"
    staging.write_text("select 1\n")
    assert "visits has models that were written by hand: add each field to its contract" in one_line(project, "visits")


def test_two_adopts_at_once_take_turns(project: NewProject) -> None:
    output = project.bash("waybill adopt orders > first & waybill adopt orders > second; wait; cat first second")
    assert output.count("\nChanged ") == 1
    assert output.count("nothing to adopt") == 1
    assert "nothing to adopt" in project.waybill("adopt", "orders").stdout
