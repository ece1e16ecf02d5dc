"""What was observed in a column and becomes a warning for later data: its few values, its range, its missing values.

A column is an enumeration if it is text with at most 20 different values of at most 60 characters, or whole numbers
between -100 and 100 with at most 10 different ones, and each value occurs at least 20 times on average. Key and
version are none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from pipeline.modelling.deciding.structure.drafts import DraftColumn
from pipeline.modelling.design import JSON
from pipeline.modelling.profiling.profile import MAX_DISTINCT, Numbers

MAX_TEXTS, MAX_TEXT_LENGTH = 20, 60
MAX_NUMBERS, MAX_NUMBER = 10, 100
MIN_REPEATS = 20
NUMBERS = ("integer", "bigint", "minutes", "hhmm", "numeric", "double precision")
UUIDS = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
NUMERALS = "^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$"
Range = tuple[str | None, str | None]


def enumeration(column: DraftColumn) -> tuple[tuple[str, int], ...]:
    """Return the values of an enumeration with their counts, in the order of the values; none if it is not one."""
    distinct = column.node.distinct
    if not distinct or column.type not in ("text", "integer") or column.present < MIN_REPEATS * len(distinct):
        return ()
    values = [(json.loads(text), count) for text, count in distinct.items() if text != "null"]
    if column.type == "text":
        is_few = len(values) <= MAX_TEXTS and all(len(str(value)) <= MAX_TEXT_LENGTH for value, _ in values)
    else:
        is_few = len(values) <= MAX_NUMBERS and all(abs(value) <= MAX_NUMBER for value, _ in values)
    return tuple((str(value), count) for value, count in _added_up(values)) if is_few else ()


def _added_up(values: Iterable[tuple[object, int]]) -> list[tuple[object, int]]:
    """Return each value once: 1 and 1.0 are the same number."""
    counts: dict[object, int] = {}
    for value, count in values:
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        counts[whole] = counts.get(whole, 0) + count
    return sorted(counts.items())  # type: ignore[type-var]


def value_range(column: DraftColumn) -> Range:
    """Return the lowest and highest value as text: of numbers, dates and instants. Instants need one offset, UTC."""
    numbers, texts = column.node.numbers, column.node.texts
    if column.type in ("epoch_seconds", "epoch_milliseconds"):
        scale = 1000 if column.type == "epoch_milliseconds" else 1
        return _instant(numbers.lowest, scale), _instant(numbers.highest, scale)
    if column.type in NUMBERS and numbers.count:
        return _plain(numbers.lowest), _plain(numbers.highest)
    ends = [text for text in (texts.lowest, texts.highest) if text]
    is_utc = len(ends) == 2 and all(text[-1] in "Zz" for text in ends)
    if column.type == "date" or (column.type == "timestamptz" and is_utc):
        return texts.lowest, texts.highest
    return None, None


def mean_and_deviation(numbers: Numbers) -> tuple[float | None, float | None]:
    """Return mean and standard deviation, rounded to 12 digits."""
    if not numbers.count:
        return None, None
    mean = numbers.sum / numbers.count
    variance = max(0.0, numbers.sum_of_squares / numbers.count - mean * mean)
    return float(f"{mean:.12g}"), float(f"{math.sqrt(variance):.12g}")


def text_format(column: DraftColumn) -> str | None:
    """Return the regular expression that all texts match: UUIDs, or numbers such as postcodes; None for few texts."""
    texts = column.node.texts
    if column.type != "text" or texts.count < MIN_REPEATS or texts.count < column.present:
        return None
    return UUIDS if texts.uuids == texts.count else NUMERALS if texts.numerals == texts.count else None


def different_values(column: DraftColumn) -> int | None:
    """Return how many different values there are, or 101 for more than 100; of a column of scalars."""
    if column.type == JSON:
        return None
    distinct = column.node.distinct
    return MAX_DISTINCT + 1 if distinct is None else len([text for text in distinct if text != "null"])


def rows_per_day(column: DraftColumn) -> tuple[int | None, int | None]:
    """Return on how many days the values of a date column are, and the most on one day; None for over 100 days."""
    distinct = column.node.distinct
    if column.type != "date" or not distinct:
        return None, None
    counts = [count for text, count in distinct.items() if text != "null"]
    return (len(counts), max(counts)) if counts else (None, None)


def share_of_true(column: DraftColumn) -> float | None:
    """Return the share of true in the values of a boolean column, which is their mean as 0 and 1."""
    distinct: Mapping[str, int] = column.node.distinct or {}
    total = distinct.get("true", 0) + distinct.get("false", 0)
    return round(distinct.get("true", 0) / total, 6) if total else None


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _instant(number: Decimal | None, scale: int) -> str | None:
    if number is None:
        return None
    try:
        return datetime.fromtimestamp(float(number) / scale, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None
