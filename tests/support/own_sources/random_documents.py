"""Random documents of random sources: each source has fields of random kinds and names, which documents may lack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from tests.support.own_sources.compared_documents import dumped, exactly

Values = st.SearchStrategy[Any]

# fmt: off
NAMES = (
    "id", "_id", "Id", "userId", "user_id", "select", "order", "count", "metadata", "registry", "source", "outcome",
    "document_key", "other_fields", "things_key", "id_number", "_batch_id", "1", "2013", "a.b", "a/b", "~", "~1", "$x",
    "%", "%s", ":a", "?", "é", "e\u0301", "日本", "first name", "{{x}}", "{% x %}", "''", '"', "\\", "#", "--", "null",
    "yes", "", " ", "two\nlines", "x" * 70, "é" * 40, "👩‍👧", "*",
)
# fmt: on
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TEXTS = st.text(CHARACTERS, max_size=8) | st.sampled_from(
    ["", " ", "NA", "null", "007", "1e5", "true", "01-02", "20240101", "2024-02-30", "2024-01-01", "{}", "\\", "'"]
)
INTEGERS = st.integers(-(2**31), 2**31 - 1)
TIMES = st.datetimes(datetime(2, 1, 2), datetime(9998, 12, 30))
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.builds(lambda at, zone: at.replace(tzinfo=zone).isoformat(), TIMES, OFFSETS | st.just(UTC))
MILLISECONDS = st.integers(-(10**12), 10**13)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | TEXTS, inner, max_size=3),
    max_leaves=5,
)


def _decimals(places: int, digits: int) -> Values:
    return st.integers(-(10**digits), 10**digits).map(lambda number: Decimal(number).scaleb(-places))


def _wrapped(*names: str, values: Values) -> Values:
    for name in reversed(names):
        values = values.map(lambda value, name=name: {name: value})  # type: ignore[misc]
    return values


SCALARS: Mapping[str, Values] = {
    "text": TEXTS,
    "integer": INTEGERS,
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "whole numbers beyond bigint": st.integers(-(10**45), 10**45).map(Decimal),
    "amounts": _decimals(2, 9),
    "long decimals": _decimals(20, 30),
    "longer decimals": _decimals(30, 60),
    "numbers": st.floats(-1e38, 1e38, allow_subnormal=False),
    "booleans": st.booleans(),
    "dates": st.dates(datetime(2, 1, 2).date(), datetime(9998, 12, 30).date()).map(str),
    "instants": INSTANTS,
    "local times": TIMES.map(lambda at: at.isoformat(sep=" ")),
    "$oid": _wrapped("$oid", values=st.text("0123456789abcdef", min_size=24, max_size=24)),
    "$date": _wrapped("$date", values=INSTANTS),
    "$date of a number": _wrapped("$date", values=MILLISECONDS),
    "$date of a $numberLong": _wrapped("$date", "$numberLong", values=MILLISECONDS.map(str)),
    "$numberLong": _wrapped("$numberLong", values=st.integers(-(2**63), 2**63 - 1).map(str)),
    "$numberDecimal": _wrapped("$numberDecimal", values=_decimals(3, 12).map(lambda number: f"{number:f}")),
    "$numberDouble": _wrapped("$numberDouble", values=st.floats(-1e30, 1e30).map(repr) | st.just("NaN")),
    "any JSON": JSON_VALUES,
    "nothing": st.none(),
    "empty": st.sampled_from([{}, []]),
}
FIELD_NAMES = st.sampled_from(NAMES) | st.text(CHARACTERS, max_size=5)
DATES = st.dates(datetime(2024, 1, 1).date(), datetime(2024, 2, 1).date()).map(str)


def _or_null(values: Values) -> Values:
    return st.one_of(values, values, values, st.none())


def _nested(inner: st.SearchStrategy[Values]) -> st.SearchStrategy[Values]:
    """Return strategies of strategies: arrays, objects, maps and fields of several kinds."""
    arrays = inner.map(lambda values: st.lists(_or_null(values), max_size=3))
    maps = inner.map(lambda values: st.dictionaries(DATES, _or_null(values), min_size=2, max_size=4))
    mixed = st.lists(inner, min_size=2, max_size=2).map(st.one_of)
    return arrays | arrays | maps | _objects(inner) | _objects(inner) | mixed


def _objects(inner: st.SearchStrategy[Values], most: int = 4) -> st.SearchStrategy[Values]:
    """Return a strategy of objects with some fields, of which some are in each object."""
    return st.dictionaries(FIELD_NAMES, st.tuples(inner, st.booleans()), max_size=most).map(_with_fields)


def _with_fields(fields: dict[str, tuple[Values, bool]]) -> Values:
    required, optional = (
        {name: _or_null(values) for name, (values, is_required) in fields.items() if is_required is group}
        for group in (True, False)
    )
    return st.fixed_dictionaries(required, optional=optional)


SOURCES = _objects(st.recursive(st.sampled_from(list(SCALARS.values())), _nested, max_leaves=5), most=6)


@st.composite
def sources(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return the documents of one source, no two equal: each with another `key` or, in some sources, without a key.

    Numbers are read from the JSON text, so that none has digits that the text does not have.
    """
    documents: list[dict[str, Any]] = draw(st.lists(draw(SOURCES), min_size=1, max_size=12))
    if draw(st.sampled_from([True, True, False])):
        documents = [{**document, "key": f"k{number}"} for number, document in enumerate(documents)]
    assume(any(documents))
    spelled = {json.dumps(exactly(dumped(document)), sort_keys=True, default=str): document for document in documents}
    return [exactly(dumped(document)) for document in spelled.values()]
