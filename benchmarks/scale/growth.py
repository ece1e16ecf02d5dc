# waybill: sample
"""Fits how a step grows with the rows, and draws it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

SIZE_INCHES = (11, 6)
COLOURS = 8  # steps with the same colour have different lines and marks
LINES = (("-", "o"), (":", "s"))


def exponent(rows: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of the line through the logarithms: 1 if a value grows as the rows do, 0 if it does not grow.

    A constant part, such as the start of a command, makes it smaller: the exponent between the two largest sizes is
    nearer to what more data would cost.
    """
    logarithms = ([math.log(max(one, 1e-9)) for one in values] for values in (rows, values))
    return statistics.linear_regression(*logarithms).slope


def draw(
    path: Path, rows: Sequence[int], seconds: Mapping[str, Sequence[float]], memory: Mapping[str, Sequence[float]]
) -> None:
    """Write a picture: for each step the CPU seconds and the peak memory in MB over the rows, all on log scales."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=SIZE_INCHES, layout="constrained")
    for axis, values, title in zip(axes, (seconds, memory), ("CPU seconds", "peak memory, MB"), strict=True):
        for number, (name, found) in enumerate(values.items()):
            line, mark = LINES[number // COLOURS % len(LINES)]
            axis.plot(rows, found, linestyle=line, marker=mark, color=f"C{number % COLOURS}", label=name)
        axis.set(xscale="log", yscale="log", xlabel="flights", title=title)
        axis.grid(visible=True, which="both", alpha=0.2)
    axes[0].plot(rows, [10 * one / rows[0] for one in rows], "k--", label="linear")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
