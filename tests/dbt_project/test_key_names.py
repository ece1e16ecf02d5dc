"""Foreign keys of one table never share a name: the second would replace the first."""

from __future__ import annotations

import hashlib
import json

import pytest
from jinja2 import Environment

from warehouse.dbt_login import DBT_PROJECT

MACRO = (DBT_PROJECT / "macros" / "keys" / "foreign_key_name.sql").read_text()


def name(table: str, *columns: str) -> str:
    environment = Environment()  # noqa: S701
    environment.globals.update(
        {"return": str, "tojson": json.dumps, "local_md5": lambda text: hashlib.md5(text.encode()).hexdigest()}  # noqa: S324
    )
    template = environment.from_string(MACRO + "{{ foreign_key_name(table, columns) }}")
    return template.render(table=table, columns=list(columns)).strip()


def test_a_key_of_one_column_keeps_its_readable_name() -> None:
    assert name("fct_orders", "shop_id") == "fk_fct_orders__shop_id"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("fct_orders", "a_b", "c"), ("fct_orders", "a", "b_c")),
        (("fct_orders", "a_b"), ("fct_orders", "a", "b")),
        (("fct_orders", "a"), ("fct_orders", "a", "b")),
        (("fct_orders", "a", "b"), ("fct_orders", "a", "c")),
        (("f" * 50, "delivering_warehouse_identifier_one"), ("f" * 50, "delivering_warehouse_identifier_two")),
        (("fct_orders", "é" * 30 + "1"), ("fct_orders", "é" * 30 + "2")),
    ],
    ids=str,
)
def test_two_keys_have_two_names(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert name(*one) != name(*other)
    assert max(len(name(*one).encode()), len(name(*other).encode())) <= 63
