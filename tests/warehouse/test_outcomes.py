"""The list of outcomes is the same in Python and in dbt."""

from __future__ import annotations

import re

from warehouse.dbt_login import DBT_PROJECT
from warehouse.outcomes import OUTCOMES, UNDONE


def test_python_and_dbt_list_the_same_outcomes() -> None:
    macro = (DBT_PROJECT / "macros" / "documents" / "outcome_names.sql").read_text()
    (listed,) = re.findall(r"return\(\[(.*)\]\)", macro)
    assert sorted(re.findall(r"'(\w+)'", listed)) == sorted([*OUTCOMES, UNDONE])
