"""The checks of one column of a mart: null rate, range, mean, enumeration, shares, texts and dates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.modelling.design import JSON, Column
from pipeline.modelling.writing.expecting import bounds
from pipeline.modelling.writing.expecting.checks import Check, figure_is_between, finds_no_rows, is_between, is_present
from pipeline.modelling.writing.expecting.queries import length_name, literal

SHARES = (
    "select shares.value as row_key, round(coalesce(counted.share, 0), 3) as share, shares.lowest, shares.highest"
    " from (values {values}) as shares (value, lowest, highest) left join (select {column}::text as value,"
    " count(*) / sum(count(*)) over () as share from {{batch}} where {column} is not null group by {column}) as counted"
    " on shares.value = counted.value where coalesce(counted.share, 0) not between shares.lowest and shares.highest"
)
OUTSIDE = (
    "select row_key, {column} from (select row_key, {column}, is_outside, avg(is_outside::int) over () as share"
    " from (select row_key, {column}, {column} < {early} or"
    " {column} > greatest({late}, now() + interval '1 day') as is_outside"
    " from {{batch}} where {column} is not null) as compared) as counted where is_outside and share > 0.01"
)
EDGE = (
    "select '{name}' as row_key, {figure}({column})::text as found from {{batch}}"
    " having {figure}({column}) {sign} {moment}"
)
BUSY_DAY = (
    "select day::text as row_key, counted as rows from (select {column}::date as day, count(*) as counted,"
    " avg(count(*)) over () as average from {{batch}} where {column} is not null group by {column}::date) as days"
    " where counted > 5 + {factor} * average"
)


def column_checks(column: Column, *, is_key: bool, is_typical: bool) -> Iterator[Check]:
    """Yield the checks of a column; `is_typical`: what was observed in all documents holds for the current ones."""
    least = bounds.least_present(column)
    if least is not None and not is_key:
        yield is_present(column.name, least=least)
    if is_key or column.type == JSON:
        return
    yield from _number_checks(column, is_typical=is_typical)
    yield from _value_checks(column, is_typical=is_typical)
    yield from _text_checks(column)
    yield from _time_checks(column, is_typical=is_typical)


def _number_checks(column: Column, *, is_typical: bool) -> Iterator[Check]:
    name, limits, mostly = column.name, bounds.number_range(column), bounds.most_inside(bounds.present(column))
    if limits is None or column.values:
        return
    if mostly is not None:
        allowed = f"{name} is from {limits[0]:,.10g} to {limits[1]:,.10g} in at least {100 * mostly:.3g} % of the rows"
        yield is_between(name, *limits, mostly=mostly, shown=allowed)
    mean, deviation = bounds.mean_range(column), bounds.least_deviation(column)
    if not is_typical or mean is None or deviation is None:
        return
    yield figure_is_between("mean", name, mean, shown=f"the mean of {name} is from {mean[0]:,.6g} to {mean[1]:,.6g}")
    spread = f"the values of {name} differ: their standard deviation is at least {deviation:,.6g}"
    yield figure_is_between("stdev", name, (deviation, None), shown=spread)


def _value_checks(column: Column, *, is_typical: bool) -> Iterator[Check]:
    name = column.name
    if column.values:
        known: list[Any] = [int(value) if column.type in bounds.WHOLE_NUMBERS else value for value, _ in column.values]
        shown = f"{name} is one of the {len(known):,} values that were found in it"
        yield Check("expect_column_values_to_be_in_set", name, shown, {"column": name, "value_set": known})
    shares, share = bounds.share_ranges(column), bounds.share_of_true(column)
    if is_typical and shares:
        values = ", ".join(f"({literal(value)}, {low}, {high})" for value, low, high in shares)
        shown = f"each value of {name} has about its usual share of the rows"
        yield finds_no_rows(f"shares {name}", SHARES.format(values=values, column=name), shown=shown)
    if is_typical and share:
        allowed = f"{name} is true in {100 * share[0]:.3g} to {100 * share[1]:.3g} % of the rows"
        yield figure_is_between("mean", name, share, shown=allowed)
    different = bounds.fewest_different(column)
    if different is not None:
        shown = f"{name} has at least {different:,} different values"
        yield figure_is_between("unique_value_count", name, (different, None), shown=shown)


def _text_checks(column: Column) -> Iterator[Check]:
    name, longest = column.name, bounds.longest_text(column)
    if column.type == "text" and column.pattern is not None:
        kwargs = {"column": name, "regex": column.pattern, "mostly": 0.99}
        yield Check("expect_column_values_to_match_regex", name, f"{name} has its usual format", kwargs)
    if longest is None or column.values:
        return
    least, most = longest
    if least:
        shown = f"the longest {name} has at least {least:,} characters"
        yield figure_is_between("max", length_name(column), (least, None), shown=shown)
    shown = f"{name} has at most {most:,} characters in at least 99 % of the rows"
    yield is_between(length_name(column), None, most, mostly=0.99, shown=shown)


def _time_checks(column: Column, *, is_typical: bool) -> Iterator[Check]:
    name, limits = column.name, bounds.time_range(column)
    if limits is None:
        return
    early, late, earliest, latest = limits
    moments = [f"{column.sql_type} {literal(moment)}" for moment in limits]
    query = OUTSIDE.format(column=name, early=moments[0], late=moments[1])
    shown = f"{name} is not before {early}, and not after both {late} and tomorrow, in at least 99 % of the rows"
    yield finds_no_rows(f"range {name}", query, shown=shown)
    if is_typical:
        query = EDGE.format(name="earliest", figure="min", column=name, sign=">", moment=moments[2])
        yield finds_no_rows(f"earliest {name}", query, shown=f"the earliest {name} is at most {earliest}")
        query = EDGE.format(name="latest", figure="max", column=name, sign="<", moment=moments[3])
        yield finds_no_rows(f"latest {name}", query, shown=f"the latest {name} is at least {latest}")
    if column.days and column.busiest_day and column.days >= 7:
        factor = round(1.5 * column.busiest_day * column.days / bounds.present(column), 3)
        shown = f"no day of {name} has more than {factor:g} times the rows of an average day"
        yield finds_no_rows(f"days {name}", BUSY_DAY.format(column=name, factor=factor), shown=shown)
