"""What `waybill new` prints of the tables: rows if each document is one, else documents and keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.modelling.deciding.designing import design
from pipeline.modelling.flags import Flags
from pipeline.modelling.printing import decided_lines
from tests.pipeline.modelling.deciding.plain_profiles import profiled


def order(number: int, day: int = 1) -> dict[str, Any]:
    return {"id": number, "changed_at": f"2024-01-{day:02}T00:00:00Z", "lines": [{"sku": "a"}], "is_paid": number == 1}


def table_lines(documents: list[dict[str, Any]]) -> list[str]:
    made = design(profiled(documents), "orders", Flags(key=("/id",)))
    return [line.strip() for line in decided_lines(made) if "marts.fct" in line or "boolean" in line]


def test_rows_are_counted_if_no_key_repeats() -> None:
    assert table_lines([order(1), order(2)]) == [
        "marts.fct_orders: 2 rows, one row per document; primary key id",
        "is_paid     boolean      /is_paid: 2 booleans",
        "marts.fct_orders_lines: 2 rows, one row per element of /lines; primary key id, lines_number",
    ]


def test_documents_are_counted_if_keys_repeat() -> None:
    documents = [order(1), order(2), order(2, 2)]
    root, *_, lines = table_lines(documents)
    assert root == "marts.fct_orders: 3 documents with 2 different keys, one row per key; primary key id"
    assert lines.startswith("marts.fct_orders_lines: 3 elements in all documents, one row per element of /lines in ")
    uncounted = replace(design(profiled(documents), "orders", Flags(key=("/id",))), different_keys=None)
    assert "  marts.fct_orders: 3 documents, one row per key; primary key id" in list(decided_lines(uncounted))


def test_one_boolean_is_not_plural() -> None:
    assert any(line.endswith(": 1 boolean") for line in table_lines([order(1)]))
