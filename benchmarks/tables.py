"""Prints the benchmarks' tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

import click


def print_table(columns: Mapping[str, int], rows: Iterable[Sequence[str]]) -> None:
    """Print a header and rows; each column has a width, the first is aligned left and the others right."""
    for row in ([*columns], *rows):
        print_row(columns, row)


def print_row(columns: Mapping[str, int], row: Sequence[str]) -> None:
    """Print one row, for a table whose rows come one after the other."""
    first, *others = zip(row, columns.values(), strict=True)
    click.echo(f"{first[0]:<{first[1]}}" + "".join(f"{text:>{width}}" for text, width in others))


def lowest_to_highest(values: Sequence[float], digits: int = 0) -> str:
    """Return the range of the values as text."""
    return f"{min(values):,.{digits}f} to {max(values):,.{digits}f}"


def medians(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return name → median."""
    return {name: statistics.median(found) for name, found in values.items()}
