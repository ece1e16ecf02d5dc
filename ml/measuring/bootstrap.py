"""Intervals of metrics by the bootstrap over whole blocks of rows: days, groups or single rows.

Rows of one day are alike, so single rows would promise too much. A replicate draws as many blocks as there are, with
replacement; what a metric needs is summed once for each block, so that all replicates are products of two matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

REPLICATES = 1000
CONFIDENCE = 0.95
MIN_BLOCKS = 10  # fewer say too little about how blocks differ
MAX_BLOCKS = 1000  # more are joined at random, which changes no expected width
MAX_UNDEFINED = 0.05  # of the replicates, such as those without a positive row
DECIMALS = 4


@dataclass(frozen=True)
class Blocks:
    """The block of each row, from 0, and how often each replicate draws each block: one line a replicate.

    `count` is the number of blocks after joining, `found` that of the data. `lack` says why there are too few for an
    interval; empty if there are enough.
    """

    of_rows: Any
    count: int
    found: int
    weights: Any
    lack: str

    def of(self, mask: Any, replicates: int = REPLICATES) -> Blocks:
        """Return the blocks of a part of the rows, with the first of the replicates."""
        return Blocks(self.of_rows[mask], self.count, self.found, self.weights[:replicates], self.lack)


def make_blocks(numbers: Any, unit: str, seed: int) -> Blocks:
    """Return the blocks of rows from each row's number of its day, group or row.

    The seed draws the replicates, so that two models on the same rows are compared on the same draws.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    found, of_rows = np.unique(numbers, return_inverse=True)
    count = min(len(found), MAX_BLOCKS)
    if len(found) > MAX_BLOCKS:
        of_rows = (random.permutation(len(found)) % MAX_BLOCKS)[of_rows]
    weights = random.multinomial(count, np.full(count, 1 / count), size=REPLICATES).astype("float32")
    lack = f"fewer than {MIN_BLOCKS} {unit}s" if len(found) < MIN_BLOCKS else ""
    return Blocks(of_rows, count, len(found), weights, lack)


def interval_of(replicates: Any, exact: float, *, within: tuple[float, float] = (0, 1)) -> list[float] | None:
    """Return the interval around an exact figure, None if too many replicates are undefined.

    It is moved so that the replicates' mean is the exact figure: histograms cost some precision, and a calibration
    error is larger in a replicate than in the data.
    """
    import numpy as np

    defined = replicates[np.isfinite(replicates)]
    if len(defined) < (1 - MAX_UNDEFINED) * len(replicates) or not np.isfinite(exact):
        return None
    tail = (1 - CONFIDENCE) / 2
    bounds = np.quantile(defined, [tail, 1 - tail]) + (exact - defined.mean())
    return [round(float(bound), DECIMALS) for bound in np.clip(bounds, *within)]


def sum_by_block(blocks: Blocks, values: Any) -> Any:
    """Return for each block the sum of a column of rows."""
    import numpy as np

    return np.bincount(blocks.of_rows, weights=values, minlength=blocks.count)


def replicate_sums(blocks: Blocks, values: Any) -> Any:
    """Return for each replicate the sum of a column of rows."""
    return blocks.weights @ sum_by_block(blocks, values)
