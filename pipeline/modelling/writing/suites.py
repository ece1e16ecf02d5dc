"""Writes the expectations of a source: an asset and a suite for its raw table, and for each of its marts."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.modelling.design import Design, Table
from pipeline.modelling.writing.expecting import bounds
from pipeline.modelling.writing.expecting.checks import Check, figure_is_between, has_rows, is_present, suite_text
from pipeline.modelling.writing.expecting.columns import column_checks
from pipeline.modelling.writing.expecting.queries import (
    checked_columns,
    counted_arrays,
    elements_name,
    mart_query,
    raw_query,
)

ASSET = "edge: {edge}\nsource: {source}\nquery: |-\n{query}\n"
MIN_CURRENT_SHARE = 0.9  # of documents: with fewer, what was observed in all does not hold for the current ones


def files(design: Design) -> dict[str, str]:
    """Return path → text of the assets and suites, for the raw edge and for the marts."""
    raw = f"raw_{design.source}"
    found = _asset(design, raw, edge="raw", query=raw_query(design), checks=list(_raw_checks(design)))
    for table in design.tables:
        checks = list(_mart_checks(design, table))
        found |= _asset(design, design.mart(table), edge="marts", query=mart_query(design, table), checks=checks)
    return found


def _asset(design: Design, name: str, *, edge: str, query: str, checks: list[Check]) -> dict[str, str]:
    indented = "\n".join(f"  {line}" if line else "" for line in query.splitlines())
    return {
        f"expectations/context/assets/{name}.yml": ASSET.format(edge=edge, source=design.source, query=indented),
        f"expectations/context/suites/{name}.json": suite_text(name, checks),
    }


def _raw_checks(design: Design) -> Iterator[Check]:
    """Yield the checks of the newest documents: volume, key, null rates, lengths of texts, elements of arrays."""
    yield has_rows(is_critical=True)
    least = bounds.fewest_rows(design.documents)
    if least is not None:
        yield has_rows(least=least, is_critical=False)
    for column in checked_columns(design, design.root):
        share = bounds.least_present(column)
        if column.pointer in design.key:
            yield is_present(column.name)
        elif share is not None:
            yield is_present(column.name, least=share)
        longest = bounds.longest_text(column)
        if longest is not None:
            shown = f"{column.name} has at most {longest[1]:,} characters in at least 99 % of the documents"
            kwargs = {"column": column.name, "max_value": longest[1], "mostly": 0.99}
            yield Check("expect_column_value_lengths_to_be_between", column.name, shown, kwargs)
    for table in counted_arrays(design):
        if design.documents >= bounds.MIN_ROWS and table.rows:
            least_mean = round(table.rows / design.documents / 2, 3)
            shown = f"a document has {least_mean:g} elements or more in {table.path}, on average"
            yield figure_is_between("mean", elements_name(table), (least_mean, None), shown=shown)


def _mart_checks(design: Design, table: Table) -> Iterator[Check]:
    """Yield the checks of a mart. Only an empty table of the documents stops a run; arrays can be empty."""
    is_root = table.parent is None
    current = 0 if design.withdrawn_when else design.different_keys or 0
    is_typical = current >= MIN_CURRENT_SHARE * design.documents
    if is_root:
        yield has_rows(is_critical=True)
    rows = current if is_root else int(table.rows * MIN_CURRENT_SHARE) if is_typical else 0
    least = bounds.fewest_rows(rows)
    if least is not None:
        yield has_rows(least=least, is_critical=False)
    elif not is_root:
        yield has_rows(is_critical=False)
    for column in checked_columns(design, table):
        is_key = is_root and column.name in design.key_columns
        yield from column_checks(column, is_key=is_key, is_typical=is_typical)
