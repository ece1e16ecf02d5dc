"""A source's name is checked before anything is read; the message proposes a name that works."""

from __future__ import annotations

import pytest

from pipeline.errors import ModellingRefused
from pipeline.modelling.source_names import MAX_LENGTH, check_source_name

REFUSED = {
    "Restaurants": "e.g. restaurants",
    "my-source": "e.g. my_source",
    "userEvents": "e.g. user_events",
    "2013_orders": "e.g. my_2013_orders",
    "data/cafés.json": "e.g. caf_s_json",
    "Order": "e.g. order_data",
    "": "e.g. my_source",
    "日本": "e.g. my_source",
    "order": "order is a reserved word of SQL: choose another name for the source, e.g. order_data",
    "user": "e.g. user_data",
    "sample": "e.g. sample_data",
    "a" * (MAX_LENGTH + 1): "is longer than 40 characters",
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_odd_name_is_refused_with_a_proposal(name: str) -> None:
    with pytest.raises(ModellingRefused) as refused:
        check_source_name(name)
    assert str(refused.value).endswith(REFUSED[name]) or REFUSED[name] in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["restaurants", "a", "x9_y", "a" * MAX_LENGTH])
def test_a_plain_name_is_accepted(name: str) -> None:
    check_source_name(name)
