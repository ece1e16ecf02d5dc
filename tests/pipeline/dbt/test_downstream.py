"""What a build has to take if only the documents of some sources have changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.dbt.downstream import Graph


def model(name: str, *reads: str, query: str = "", materialized: str = "incremental", **columns: str) -> Any:
    """Return a model that reads models and tables (`schema.table`); columns refer to dimensions, or are plain: ""."""
    found = {
        column: SimpleNamespace(config=SimpleNamespace(meta={"refers_to": dimension} if dimension else {}))
        for column, dimension in columns.items()
    }
    return SimpleNamespace(
        unique_id=f"model.shop.{name}", name=name, alias=name, schema="marts", resource_type="model", raw_code="",
        compiled_code=query, config=SimpleNamespace(materialized=materialized), columns=found,
        depends_on_nodes=[f"source.shop.{read}" if "." in read else f"model.shop.{read}" for read in reads],
    )  # fmt: skip


def names(*nodes: Any) -> dict[str, list[str]]:
    return Graph({node.unique_id: node for node in nodes}, reads_queries=True).names_by_source()


ORDERS, SHOPS = model("orders", "raw.orders"), model("shops", "raw.shops", is_inferred="")


def test_each_source_has_what_reads_it() -> None:
    both = model("both", "orders", "shops")
    assert names(ORDERS, SHOPS, both) == {"orders": ["both", "orders"], "shops": ["both", "shops"]}


def test_a_dimension_goes_with_the_marts_that_refer_to_it() -> None:
    orders, view = model("orders", "raw.orders", shop_id="shops"), model("view", "shops", materialized="view")
    assert names(orders, SHOPS, view) == {"orders": ["orders", "shops", "view"], "shops": ["shops", "view"]}


def test_a_copy_of_a_dimension_is_made_again_in_every_build() -> None:
    orders, copy = model("orders", "raw.orders", shop_id="shops"), model("copy", "shops", materialized="table")
    found = names(orders, SHOPS, copy, model("notes", "raw.notes"))
    assert found["notes"] == ["copy", "notes"]


@pytest.mark.parametrize(
    "query",
    ['select * from "db"."marts"."orders"', "select * from marts.orders as o", "select * from raw . orders"],
)
def test_a_query_that_names_a_table_reads_it(query: str) -> None:
    assert names(ORDERS, SHOPS, model("more", query=query))["orders"] == ["more", "orders"]


def test_an_ephemeral_model_is_a_part_of_the_query() -> None:
    query = 'with __dbt__cte__step as (select * from "db"."raw"."orders") select * from __dbt__cte__step'
    assert names(ORDERS, SHOPS, model("more", "step", query=query))["orders"] == ["more", "orders"]


def test_a_hook_that_names_a_table_reads_it() -> None:
    more = model("more")
    more.config.post_hook = [SimpleNamespace(sql="delete from {{ this }} where id in (select id from marts.orders)")]
    assert names(ORDERS, SHOPS, more)["orders"] == ["more", "orders"]


@pytest.mark.parametrize(
    "more", [model("more", "ledger.rejects"), model("more", query="intermediate.document_outcomes")]
)
def test_what_reads_another_table_is_always_built(more: Any) -> None:
    assert names(ORDERS, SHOPS, more) == {"orders": ["more", "orders"], "shops": ["more", "shops"]}


@pytest.mark.parametrize("doubtful", [model("after", "ephemeral"), model("a name that dbt's selection splits")])
def test_in_doubt_everything_is_built(doubtful: Any) -> None:
    assert names(ORDERS, SHOPS, doubtful) == {}
