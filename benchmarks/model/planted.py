# waybill: sample
"""`python -m benchmarks.model.planted`: plant shifts in the rows since training and count the features found."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from collections.abc import Callable
from typing import Any

import click

from benchmarks.tables import print_table
from ml.drift.change import Change, compare
from ml.drift.histogram import CATEGORY, NUMBER, Histogram, count
from ml.drift.limits import limits_for
from ml.predict import Model, load_model
from ml.reading.frame import SET, read_rows
from ml.sets import SETS
from waybill.cli import run

COLUMNS = {"planted": 42, "found": 12}
NEW_SHARE, MISSING_SHARE = 50, 20  # one row in so many: 2 % and 5 %


def _nothing(values: Any) -> Any:
    return values


def _mean(values: Any) -> Any:
    return values + 0.25 * values.std()


def _missing(values: Any) -> Any:
    return values.mask(_every(values, MISSING_SHARE))


def _new_category(values: Any) -> Any:
    return values.astype(object).mask(_every(values, NEW_SHARE), "a category that training did not have")


def _every(values: Any, one_in: int) -> Any:
    """Return a mask with one row in so many, spread evenly."""
    import numpy as np

    return np.arange(len(values)) % one_in == 0


PLANTED: dict[str, tuple[str | None, Callable[[Any], Any]]] = {
    "nothing": (None, _nothing),
    "a unit 60 times as small": (NUMBER, lambda values: values * 60),
    "2 % of a new category": (CATEGORY, _new_category),
    "5 points more missing values": (None, _missing),
    "kilometres for miles (1.609)": (NUMBER, lambda values: values * 1.609),
    "the mean plus 0.25 standard deviations": (NUMBER, _mean),
}


def alarms(model: Model, rows: Any, name: str, change: Callable[[Any], Any]) -> list[str]:
    """Return the measures that are beyond their limits after a change of one feature of these rows."""
    import numpy as np

    reference = model.manifest["reference"]
    then = Histogram.from_json(reference["features"][name])
    (now,) = count(then.bins, change(rows[name]), np.zeros(len(rows), dtype=int), 1)
    return compare(now, then).exceeded(limits_for(Change(**reference["limits"][name]), now, then))


@click.command(help="Example: python -m benchmarks.model.planted\n\nPlant shifts and count the features found.")
@click.option("--task", default="flight_delays", show_default=True, help="A task with a current model.")
def main(task: str) -> None:
    """Print for each planted shift in how many features an alarm names it; nothing is written."""
    model = load_model(task)
    rows = read_rows(model.task)
    later = rows[rows[SET] == SETS.index("test")].reset_index(drop=True)
    lines = []
    for planted, (kind, change) in PLANTED.items():
        names = [name for name in model.features if kind in (None, model.manifest["feature_types"][name])]
        found = [name for name in names if alarms(model, later, name, change)]
        others = found if change is _nothing else [name for name in names if name not in found]
        lines.append((planted, f"{len(found)} of {len(names)}", ", ".join(others)))
    print_table(COLUMNS, [line[:2] for line in lines])
    for planted, _, names in lines:
        click.echo(f"\n{planted}, {'found' if planted == 'nothing' else 'not found'} in: {names or 'none'}")


if __name__ == "__main__":
    run(main, "python -m benchmarks.model.planted")
