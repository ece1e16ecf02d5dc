"""What a report says about documents that do not fit the files of their source, in one wording for all of them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import expectations.failures
import loader.declarations
import waybill.declared.adopting
from expectations.failures import warnings_advice
from pipeline.adoption.carried_paths import path_of_column, path_of_reason
from pipeline.adoption.fields import FieldNotAdopted, describe
from pipeline.adoption.repeated_keys import RepeatedKey
from pipeline.adoption.uncastable import UncastableField
from waybill.cli import shown_command
from waybill.declared.adopting import Misfit, advice

DECLARATION = """
source: orders
description: Orders.
contract: orders.schema.json
key: [/id]
version: /changed
carried:
  fct_orders: {id: /id, amount: /price/amount, other_fields: {members: [/a, /b]}}
  fct_orders_lines:
    lines_number: {number_of: /lines/*}
    quantity: /lines/*/quantity
    sku: /lines/*/sku/code
  fct_orders_lines_taxes:
    taxes_number: {number_of: /lines/*/taxes/*}
    taxes_value: /lines/*/taxes/*
  fct_orders_stock: {stock_name: {name_of: /stock/*}, stock_value: /stock/*}
"""
REASONS = {
    'amount: "n/a" is not a whole number': "/price/amount",
    'amount: "a: b" is not a number; id: is missing': "/price/amount",
    '/price: "none" is not an object': "/price",
    'lines_number 2: quantity: "few" is not a whole number': "/lines/*/quantity",
    'lines_number 2: "few" is not an object': "/lines/*",
    'lines_number 1: /sku: "A-1" is not an object': "/lines/*/sku",
    'lines_number 3, taxes_number 1: taxes_value: "x" is not a number': "/lines/*/taxes/*",
    "stock_name New York: stock_value: \"many\" is not a number": "/stock/*",
    "key: is longer than 600 characters": None,
    "the door is open and closed": None,
}  # fmt: skip


@pytest.fixture(autouse=True)
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Declare orders, whose files `waybill new` made, and visits, whose files a user wrote; return the folder."""
    for name in ("SOURCES", "CONTRACTS"):
        monkeypatch.setattr(loader.declarations, name, tmp_path)
    monkeypatch.setattr(waybill.declared.adopting, "SOURCES", tmp_path)
    (tmp_path / "orders.yml").write_text(f"# waybill: source orders, content {'0' * 16}\n{DECLARATION}")
    (tmp_path / "visits.yml").write_text("source: visits\n" + DECLARATION.split("\n", 2)[2].split("carried")[0])
    (tmp_path / "orders.schema.json").write_text(json.dumps({"type": "object"}))
    return tmp_path


def adopt(arguments: str) -> str:
    return f"`{shown_command(f'adopt {arguments}')}`"


@pytest.mark.parametrize(("reason", "path"), REASONS.items(), ids=range(len(REASONS)))
def test_a_reason_leads_to_the_path_of_its_value(reason: str, path: str | None) -> None:
    assert path_of_reason("orders", reason) == path


def test_a_column_leads_to_its_path() -> None:
    found = path_of_column("fct_orders_lines", "sku")
    assert found and (found.source, found.path) == ("orders", "/lines/*/sku/code")
    assert path_of_column("fct_orders", "other_fields") is None
    assert path_of_column("fct_visits", "id") is None


@pytest.mark.parametrize(
    ("misfit", "expected"),
    [
        ("type", "if this is right from now on, give the field another type in its staging model and its mart"),
        ("values", "if this is right from now on, add it to the tests of the mart and to the suite in "
                   "expectations/context/suites"),
        ("reference", "if this is right from now on, remove the `relationships` test from the yml of the mart"),
        ("key", "if this is right from now on, declare more key fields in loader/sources/visits.yml"),
    ],
)  # fmt: skip
def test_files_of_a_user_are_changed_by_hand(misfit: Misfit, expected: str) -> None:
    assert advice(misfit, "visits", "/amount") == expected
    assert "adopt orders" in advice(misfit, "orders", "/amount")


def test_uncastable_values_name_the_command() -> None:
    assert str(UncastableField("orders", "/price/amount", 2, 'amount: "n/a" is not a number')) == (
        'uncastable: 2 documents of orders at /price/amount, such as amount: "n/a" is not a number; '
        f"if this is right from now on: {adopt('orders /price/amount')}"
    )
    assert advice("type", "orders", "/a *") == "if this is right from now on: " + adopt("orders '/a *'")


def test_a_repeated_key_names_the_command() -> None:
    command = shown_command("adopt orders")
    assert str(RepeatedKey("orders", 1, "o1")) == (
        "repeated key: 1 document of orders differs from another one with the same key and version, such as o1; "
        f"if these are different things: `{command} --key PATH`, once for each field of the key"
    )


def test_new_fields_name_one_command_for_each_source() -> None:
    fields = [FieldNotAdopted(source, path, 1, "…") for source, path in
              (("orders", "/channel"), ("orders", "/lines/*/note"), ("visits", "/x"))]  # fmt: skip
    assert describe(fields).splitlines()[-2:] == [
        "  if this is right from now on: " + adopt("orders /channel '/lines/*/note'"),
        "  of visits: add each to contract, staging, mart and `carried`, or to `left_out`",
    ]


def test_warnings_of_suites_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assets: dict[str, Any] = {f"fct_{source}": SimpleNamespace(source=source) for source in ("orders", "visits")}
    monkeypatch.setattr(expectations.failures, "read_assets", lambda: assets)
    assert warnings_advice(["fct_orders", "fct_visits", "fct_orders"]) == [
        f"if this is right from now on: {adopt('orders')}"
    ]
