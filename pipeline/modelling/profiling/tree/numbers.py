"""Adds numbers exactly, so that no order of documents shows in the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from operator import mul

from pipeline.modelling.profiling.profile import Numbers
from pipeline.modelling.profiling.reading.exact_numbers import plain

SAFE_INTEGER = 1 << 53
MAX_DOUBLE = Decimal("1e38")  # as the staging allows
SUMMED_LENGTH = 100  # digits of the numbers that take part in the sums
SUMS = Context(prec=1000)
ROUNDED = ".12g"


class ExactSums:
    """The sum and the sum of squares of numbers, without any rounding that could show."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.sum = Decimal()
        self.squares = Decimal()

    def add(self, total: Decimal, squares: Decimal) -> None:
        """Add the sums of some numbers."""
        self.sum = SUMS.add(self.sum, total)
        self.squares = SUMS.add(self.squares, squares)

    def write(self, numbers: Numbers) -> None:
        """Write the sums, rounded."""
        numbers.sum = float(format(float(self.sum), ROUNDED))
        numbers.sum_of_squares = float(format(float(self.squares), ROUNDED))


def add_integers(numbers: Numbers, sums: ExactSums, values: Sequence[int]) -> None:
    """Add integers of 64 bits."""
    lowest, highest = min(values), max(values)
    numbers.count += len(values)
    _widen(numbers, Decimal(lowest), Decimal(highest))
    numbers.max_digits = max(numbers.max_digits, len(str(lowest)), len(str(highest)))
    if lowest < -SAFE_INTEGER or highest > SAFE_INTEGER:
        numbers.not_doubles += sum(abs(value) > SAFE_INTEGER and not _is_double(Decimal(value)) for value in values)
    sums.add(Decimal(sum(values)), Decimal(sum(map(mul, values, values))))


def add_decimals(numbers: Numbers, sums: ExactSums, counts: Mapping[float | Decimal, int]) -> int:
    """Add numbers with their counts; return how many of them have no fraction."""
    integers = 0
    scaled: dict[int, list[int]] = {}
    lowest, highest = min(counts), max(counts)
    _widen(numbers, _exact(lowest), _exact(highest))
    for value, count in counts.items():
        text = repr(value)
        if type(value) is float and "e" not in text:
            whole, _, fraction = text.partition(".")
        else:
            whole, _, fraction = _add_long(numbers, _exact(value), count).partition(".")
        if fraction in ("", "0"):
            integers += count
            fraction = ""
        length = len(whole) + len(fraction) + bool(fraction)
        if length > numbers.max_digits:
            numbers.max_digits = length
        of_scale = scaled.setdefault(len(fraction), [0, 0])
        if length <= SUMMED_LENGTH:
            number = int(whole + fraction)
            of_scale[0] += number * count
            of_scale[1] += number * number * count
    numbers.count += sum(counts.values())
    numbers.max_scale = max(numbers.max_scale, *scaled)
    for scale, (total, squares) in scaled.items():
        sums.add(Decimal(total).scaleb(-scale, SUMS), Decimal(squares).scaleb(-2 * scale, SUMS))
    return integers


def _add_long(numbers: Numbers, exact: Decimal, count: int) -> str:
    """Add a number that is no short fraction; return it without exponent and trailing zeros."""
    numbers.max_digits = max(numbers.max_digits, len(format(exact, "f")))
    numbers.not_doubles += 0 if _is_double(exact) else count
    return plain(exact)


def _exact(value: float | Decimal) -> Decimal:
    return Decimal(repr(value)) if type(value) is float else Decimal(value)


def _widen(numbers: Numbers, lowest: Decimal, highest: Decimal) -> None:
    if numbers.lowest is None or lowest < numbers.lowest:
        numbers.lowest = Decimal(plain(lowest))
    if numbers.highest is None or highest > numbers.highest:
        numbers.highest = Decimal(plain(highest))


def _is_double(exact: Decimal) -> bool:
    """Return whether PostgreSQL shows a number unchanged after it was cast to double precision."""
    return abs(exact) <= MAX_DOUBLE and Decimal(repr(float(exact))) == exact
