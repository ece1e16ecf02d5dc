"""Adds numbers exactly, so that no order of documents shows in the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from operator import mul

from pipeline.modelling.profiling.profile import Numbers
from pipeline.modelling.profiling.reading.exact_numbers import plain

SAFE_INTEGER = 1 << 53
MAX_DOUBLE = Decimal("1e38")  # as the staging allows
SUMMED = range(-60, 61)  # exponents of the numbers that take part in the sums, besides 0
SUMS = Context(prec=600)
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
    add, multiply = SUMS.add, SUMS.multiply
    total, squares = Decimal(), Decimal()
    for value, count in counts.items():
        exact = Decimal(repr(value)) if type(value) is float else Decimal(value)
        numbers.count += count
        _widen(numbers, exact, exact)
        text = str(exact)
        if type(value) is not float or "E" in text:
            spelled = format(exact, "f")
            text = plain(exact)
            numbers.max_digits = max(numbers.max_digits, len(spelled))
            numbers.not_doubles += 0 if _is_double(exact) else count
        whole, _, fraction = text.partition(".")
        if fraction in ("", "0"):
            integers += count
            numbers.max_digits = max(numbers.max_digits, len(whole))
        else:
            numbers.max_scale = max(numbers.max_scale, len(fraction))
            numbers.max_digits = max(numbers.max_digits, len(text))
        if exact and exact.adjusted() in SUMMED:
            product = multiply(exact, Decimal(count))
            total, squares = add(total, product), add(squares, multiply(product, exact))
    sums.add(total, squares)
    return integers


def _widen(numbers: Numbers, lowest: Decimal, highest: Decimal) -> None:
    if numbers.lowest is None or lowest < numbers.lowest:
        numbers.lowest = Decimal(plain(lowest))
    if numbers.highest is None or highest > numbers.highest:
        numbers.highest = Decimal(plain(highest))


def _is_double(exact: Decimal) -> bool:
    """Return whether PostgreSQL shows a number unchanged after it was cast to double precision."""
    return abs(exact) <= MAX_DOUBLE and Decimal(repr(float(exact))) == exact
