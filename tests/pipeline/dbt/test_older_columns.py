"""A model whose table lacks a column: the command that rebuilds it is named, and only then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pipeline.dbt.older_columns import rebuild_hints

MISSING = 'Database Error in model int_orders_deduplicated\n  column "channel" does not exist\n  LINE 106: ...'


def result(message: str, *, tags: list[str], materialized: str = "incremental", status: str = "error") -> Any:
    config = SimpleNamespace(materialized=materialized)
    node = SimpleNamespace(resource_type="model", config=config, tags=tags)
    return SimpleNamespace(node=node, status=status, message=message)


def test_the_command_rebuilds_the_models_of_one_source() -> None:
    hints = rebuild_hints([result(MISSING, tags=["orders"]), result("skipped", tags=["orders"], status="skipped")])
    assert len(hints) == 1
    assert hints[0].startswith("if columns changed since the last build: `")
    assert hints[0].endswith("waybill dbt build --full-refresh -s tag:orders`")
    assert rebuild_hints([result(MISSING, tags=[])])[0].endswith("waybill dbt build --full-refresh`")


def test_other_errors_name_no_rebuild() -> None:
    assert rebuild_hints([
        result("division by zero", tags=["orders"]),
        result(MISSING, tags=["orders"], materialized="view"),
        result(MISSING, tags=["orders"], status="success"),
    ]) == []  # fmt: skip
