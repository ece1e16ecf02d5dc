"""Runs rounds and prints their totals."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NoReturn

import click

WIDTH = 34


def print_totals(run: Callable[[], Counter[str]], counted: Iterable[str], wrong: Iterable[str]) -> NoReturn:
    """Run the rounds, print the totals in this order, and exit with 1 if one of the problems in `wrong` was found."""
    started = time.monotonic()
    problems = [*wrong]
    totals = run()
    for name in (*counted, *problems):
        click.echo(f"{name:<{WIDTH}} {totals[name]:>12,}")
    click.echo(f"{'seconds':<{WIDTH}} {time.monotonic() - started:>12,.0f}")
    sys.exit(any(totals[name] for name in problems))
