"""The bounds of generated expectations: observed figures with slack, so that similar data raises no warning.

expectations/README.md explains each rule. All bounds are rounded outwards.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from pipeline.modelling.design import Column

MIN_ROWS = 30  # fewer rows say nothing about shares and means
MIN_ROWS_OF_SHARES = 100
MIN_ROWS_SHARE = 0.8
NUMBERS = ("integer", "bigint", "numeric", "double precision")
WHOLE_NUMBERS = ("integer", "bigint")
COUNTED = re.compile(
    r"(^|_)(id|key|code|uuid|number|no|num|nr|index|idx|position|pos|rank|version|revision|rev|sequence|seq|year|yr"
    r"|epoch|timestamp|ts|zip|postcode|phone|ean|isbn)$"
)  # names of numbers that identify, or grow with every delivery
SHORT_TEXT = 8


def present(column: Column) -> int:
    """Return how many values the column has."""
    return column.rows - column.missing


def fewest_rows(rows: int) -> int | None:
    """Return 80 % of the rows; None if there are too few to say."""
    return math.floor(MIN_ROWS_SHARE * rows) if rows >= MIN_ROWS else None


def least_present(column: Column) -> float | None:
    """Return the smallest share of values that are not null; None if nearly all may be null."""
    if not column.rows:
        return None
    share = column.missing / column.rows
    spread = 6 * math.sqrt(share * (1 - share) / column.rows)
    least = math.floor(1000 * (1 - (share + 0.05 + spread + 5 / column.rows))) / 1000
    return least if least >= 0.02 else None


def most_inside(values: int) -> float | None:
    """Return the share of values that must be in the observed range; None if there are too few to say.

    Of later values from the same distribution, about 2 in `values` are outside, whatever the distribution is.
    """
    return 1 - max(0.01, round(10 / values, 3)) if values >= MIN_ROWS else None


def number_range(column: Column) -> tuple[float, float] | None:
    """Return the observed range with a tenth of its width on both sides; None if the numbers identify or count.

    Where no number is negative, none may be.
    """
    if column.type not in NUMBERS or column.lowest is None or column.highest is None or is_counted(column):
        return None
    lowest, highest = Decimal(column.lowest), Decimal(column.highest)
    slack = (highest - lowest) / 10 or max(abs(highest) / 10, Decimal(1))
    least = max(lowest - slack, Decimal(0)) if lowest >= 0 else lowest - slack
    if column.type in WHOLE_NUMBERS:
        return math.floor(least), math.ceil(highest + slack)
    return _outwards(float(least), -1), _outwards(float(highest + slack), 1)


def mean_range(column: Column) -> tuple[float, float] | None:
    """Return the mean with a quarter of the deviation, or 6 standard errors if that is more; None if it may move."""
    if number_range(column) is None or column.mean is None or not column.deviation or present(column) < MIN_ROWS:
        return None
    slack = column.deviation * max(0.25, 6 / math.sqrt(present(column)))
    return _outwards(column.mean - slack, -1), _outwards(column.mean + slack, 1)


def least_deviation(column: Column) -> float | None:
    """Return half of the observed deviation; None where the mean has no range."""
    return None if mean_range(column) is None or not column.deviation else _outwards(column.deviation / 2, -1)


def is_counted(column: Column) -> bool:
    """Return whether the numbers identify something or grow with every delivery: by their name, or without gaps."""
    if COUNTED.search(column.name):
        return True
    if column.type not in WHOLE_NUMBERS or column.lowest is None or column.highest is None:
        return False
    width = int(Decimal(column.highest)) - int(Decimal(column.lowest)) + 1
    is_epoch = int(Decimal(column.lowest)) >= 10**9
    return is_epoch or (width >= MIN_ROWS and 0.95 * width <= present(column) <= width)


def share_ranges(column: Column) -> list[tuple[str, float, float]]:
    """Return each value of an enumeration with its smallest and largest share: a tenth less and more, at least."""
    total = sum(count for _, count in column.values)
    if total < MIN_ROWS_OF_SHARES or len(column.values) < 2:
        return []
    return [(value, *_share_range(count / total, total)) for value, count in column.values]


def share_of_true(column: Column) -> tuple[float, float] | None:
    """Return the smallest and largest share of true in a boolean column, by the same rule."""
    if column.type != "boolean" or column.mean is None or present(column) < MIN_ROWS_OF_SHARES:
        return None
    return _share_range(column.mean, present(column))


def _share_range(share: float, total: int) -> tuple[float, float]:
    slack = max(0.1, 6 * math.sqrt(share * (1 - share) / total))
    return max(0.0, round(share - slack, 3)), min(1.0, round(share + slack, 3))


def fewest_different(column: Column) -> int | None:
    """Return half of the number of different values, at least 2; None if that is unknown or there are too few."""
    if column.type != "text" or column.values or not column.distinct or column.distinct < 3:
        return None
    return max(2, column.distinct // 2) if present(column) >= MIN_ROWS else None


def longest_text(column: Column) -> tuple[int, int] | None:
    """Return what the longest text must have at least, 60 % of the observed one, and what no text may exceed."""
    if column.type != "text" or column.longest is None or present(column) < MIN_ROWS:
        return None
    least = math.floor(0.6 * column.longest) if column.longest >= SHORT_TEXT else 0
    return least, 2 * column.longest + 20


def time_range(column: Column) -> tuple[str, str, str, str] | None:
    """Return the earliest and latest value, then how far each may move inwards; all as text.

    The slack is a tenth of the time between them, at least a week, at most half a year.
    """
    if column.sql_type not in ("date", "timestamptz") or present(column) < MIN_ROWS:
        return None
    lowest, highest = _moment(column.lowest), _moment(column.highest)
    if lowest is None or highest is None:
        return None
    slack = min(max((highest - lowest) / 10, timedelta(days=7)), timedelta(days=180))
    try:
        moments = (lowest - slack, highest + slack, lowest + slack, highest - slack)
    except OverflowError:
        return None
    early, late, earliest, latest = (_shown(moment, column.sql_type) for moment in moments)
    return early, late, earliest, latest


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat((text or "").upper())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _shown(moment: datetime, sql_type: str) -> str:
    day: date = moment.astimezone(UTC).date()
    return f"{day:%Y-%m-%d}" if sql_type == "date" else f"{day:%Y-%m-%d}T00:00:00Z"


def _outwards(number: float, direction: int) -> float:
    """Return the number with 4 digits, rounded down (-1) or up (1)."""
    if not number or not math.isfinite(number):
        return number
    unit = Decimal(1).scaleb(math.floor(math.log10(abs(number))) - 3)
    rounded = (Decimal(number) / unit).to_integral_value("ROUND_CEILING" if direction > 0 else "ROUND_FLOOR")
    return float(rounded * unit)
