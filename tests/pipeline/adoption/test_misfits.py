"""A type, a value, a reference and a key that no longer fit: the run names each, with the command that adapts."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from loader.landing.raw_tables import make_raw_tables
from pipeline.adoption.misfits import MOST_LINES, describe_misfits, list_misfits
from pipeline.dbt.failing_rows import failed_tests, print_failed_tests
from pipeline.modelling.design import Reference
from pipeline.report.page import write_report
from tests.support.databases import fresh_database
from tests.support.dbt_command import failures
from tests.support.landing import land
from tests.support.own_sources.designs import column, design, table, write_project
from tests.support.own_sources.project import OwnProject
from warehouse.connection import engine
from waybill.cli import shown_command
from waybill.project.file_tags import with_source_tag

ORDERS = design(
    "orders",
    column("id", "/id"),
    column("amount", "/amount", "integer"),
    column("status", "/status", values=(("open", 5), ("paid", 5))),
    column("shop", "/shop/id", reference=Reference("fct_shops", "id", is_dimension=False, values=5, orphans=0)),
    column("changed_at", "/changed_at", "timestamptz"),
    key=("/id",),
    version="/changed_at",
    children=(table("/lines", "array", column("quantity", "/quantity", "integer", within="/lines/*")),),
)
SHOPS = design("shops", column("id", "/id"), column("name", "/name"), key=("/id",), version="delivery")


def order(key: str, **values: Any) -> dict[str, Any]:
    document = {"id": key, "amount": 5, "status": "open", "shop": {"id": "s1"}, "changed_at": "2024-01-01T00:00:00Z"}
    return document | {"lines": [{"quantity": 1}]} | values


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: None) -> Iterator[OwnProject]:
    """Return a project in which `waybill new` made the files of orders, and a user those of shops."""
    project = write_project(tmp_path, monkeypatch, SHOPS, ORDERS)
    declared = project.sources / "orders.yml"
    declared.write_text(with_source_tag("orders.yml", declared.read_text(), "orders"))
    with fresh_database():
        make_raw_tables()
        yield project


def lines() -> list[str]:
    with engine("reader").connect() as connection:
        return describe_misfits(connection)


def test_what_does_not_fit_is_named_with_the_command(
    project: OwnProject, reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lines() == []
    land("shops", {"id": "s1", "name": "One"}, {"id": "s1", "name": "Two"}, {"id": "s2", "name": "Three"})
    land("shops", {"id": "s2", "name": "Four"})  # a later delivery is a correction
    land("orders", order("o1", amount="n/a"), order("o2", amount="none"), order("o3", lines=[{"quantity": "few"}]))
    land("orders", order("o4"), order("o4", amount=6), order("o5", changed_at="2024-01-02T00:00:00Z"), order("o5"))
    land("orders", order("o6", status="lost"), order("o7", shop={"id": "s9"}))
    built = project.run("build")
    assert built.success, built.exception or failures(built)
    adopt = shown_command("adopt orders")
    if_right = f"if this is right from now on: `{adopt}"
    assert lines() == [
        'uncastable: 2 documents of orders at /amount, such as amount: "n/a" is not a whole number; '
        f"{if_right} /amount`",
        "uncastable: 1 document of orders at /lines/*/quantity, such as lines_number 1: quantity: "
        f"\"few\" is not a whole number; {if_right} '/lines/*/quantity'`",
        "repeated key: 1 document of orders differs from another one with the same key and version, such as o4; "
        f"if these are different things: `{adopt} --key PATH`, once for each field of the key",
        "repeated key: 1 document of shops differs from another one with the same key and version, such as s1; "
        "if this is right from now on, declare more key fields in loader/sources/shops.yml",
    ]
    page = unescape(write_report().path.read_text())
    assert all(line in page for line in lines())
    warned = {test.name: test for test in failed_tests(built.result.results)}
    print_failed_tests(list(warned.values()))
    printed = capsys.readouterr().out
    for name, path in (("accepted_values_fct_orders_status__open__paid", "/status"), ("_is_in_fct_shops", "/shop/id")):
        (test,) = [test for found, test in warned.items() if found.endswith(name)]
        assert test.is_warning
        assert test.advice == f"{if_right} {path}`"
        assert str(test).endswith(f"; {if_right} {path}`")
        assert f"\n  {if_right} {path}`\n" in printed


def test_many_lines_are_cut(project: OwnProject) -> None:
    reasons = [{"amount": "x"}, {"id": ["a"]}, {"status": {}}, {"shop": "s1"}, {"changed_at": "x"}, {"lines": {}}]
    land("orders", *(order(f"o{number}", **values) for number, values in enumerate(reasons)))
    assert project.run("run").success
    with engine("reader").connect() as connection:
        assert len(list_misfits(connection)) == len(reasons)
    assert len(lines()) == MOST_LINES + 1
    assert lines()[-1] == "and 1 more, see the report"
