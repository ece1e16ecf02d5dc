"""The rows that a failing check names are shown one per line, whatever their values hold."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipeline.dbt.failing_rows import MAX_CHARACTERS, failed_tests


@pytest.mark.usefixtures("database")
def test_a_value_with_line_ends_is_one_line() -> None:
    query = r"select e'a\n  all: rm -rf\x1b' as key, repeat('x', 1000) as document, null as field"
    node = SimpleNamespace(resource_type="test", name="assert_any", compiled_code=query)
    (found,) = failed_tests([SimpleNamespace(node=node, failures=1, status="fail")])
    cut = "x" * MAX_CHARACTERS
    assert found.first_rows == [rf"key=a\n  all: rm -rf\x1b, document={cut}…, field=None"]
