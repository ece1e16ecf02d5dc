"""The verdict on a model: how it compares with another one on identical rows.

Recipes are compared as they were fitted on the training set, on the validation set; the model that is refitted on both
inherits the verdict of its recipe. Rows are identical when their key's hash and their label are: that is asserted.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ml.measuring.bootstrap import MIN_BLOCKS
from ml.registry.evaluation import EvaluatedRows
from ml.registry.paired import PairedDifference, paired_difference
from waybill.atomic_files import write_atomic
from waybill.text import counted

VERDICT, LATER = "verdict.json", "later_verdict.json"
METRIC = "roc_auc"  # which also selects a candidate
MIN_COMMON = 0.9  # of either model's rows
Outcome = Literal["better", "worse", "no difference", "not comparable", "only model"]
FLIPPED: dict[Outcome, Outcome] = {"better": "worse", "worse": "better"}


@dataclass(frozen=True)
class Verdict:
    """How a model compares with another one.

    `difference` is the model's metric minus the other's, with its 95 % interval from `low` to `high`; `outcome` is
    better or worse if the interval is above or below zero. All figures are None if they are not comparable, and then
    `reason` says why. `measured_on` is what the rows are: validation, or labelled later than both models were trained.
    """

    model_id: str
    against: str | None
    outcome: Outcome
    measured_on: str = "validation"
    reason: str = ""
    metric: str = METRIC
    rows: int = 0
    blocks: int = 0
    value: float | None = None
    other: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    decided_at: str = ""

    @property
    def is_worse(self) -> bool:
        """True if the model must not replace the other one."""
        return self.outcome == "worse"

    def flipped(self) -> Verdict:
        """Return the other model's verdict."""
        if self.against is None:
            return self
        return replace(
            self,
            model_id=self.against,
            against=self.model_id,
            outcome=FLIPPED.get(self.outcome, self.outcome),
            value=self.other,
            other=self.value,
            difference=_negated(self.difference),
            low=_negated(self.high),
            high=_negated(self.low),
        )

    def __str__(self) -> str:
        """Return the verdict in one line, without the model's own id."""
        if self.outcome == "only model":
            return "the first model"
        if self.difference is None:
            return f"not comparable with {self.against}: {self.reason}"
        word = {"no difference": "no clear difference from"}.get(self.outcome, f"{self.outcome} than")
        return (
            f"{word} {self.against}: ROC AUC {self.value:.4f} against {self.other:.4f}, difference"
            f" {self.difference:+.4f} ({self.low:+.4f} to {self.high:+.4f}) on {self.rows:,} rows"
            f" {'of validation' if self.measured_on == 'validation' else self.measured_on}"
        )


def compare(ids: tuple[str, str], own: EvaluatedRows, other: EvaluatedRows, measured_on: str = "validation") -> Verdict:
    """Return the verdict on the first model, from what both were measured on; exchanging the two flips it.

    Both are restricted to the rows with the same key and the same label. With less than 90 % of either's rows, one
    class or fewer than ten blocks in them, they are not comparable.
    """
    nothing = Verdict(*ids, "not comparable", measured_on)
    if own.probabilities.shape[1:] != other.probabilities.shape[1:]:
        return replace(nothing, reason="it has other classes")
    first, second = common_rows(own, other)
    most = max(len(own), len(other), 1)
    if len(first) < MIN_COMMON * most:
        return replace(nothing, reason=f"only {len(first):,} of {most:,} rows are common to both, less than 90 %")
    blocks = _coarser(first.blocks, second.blocks)
    number = len(set(blocks.tolist()))
    if number < MIN_BLOCKS:
        return replace(nothing, reason=f"the common rows are of {counted(number, 'block')}, fewer than {MIN_BLOCKS}")
    found = paired_difference(first.labels, blocks, first.probabilities, second.probabilities)
    if found is None:
        return replace(nothing, reason="the common rows have a single class")
    return _with_figures(nothing, found, len(first), number)


def common_rows(own: EvaluatedRows, other: EvaluatedRows) -> tuple[EvaluatedRows, EvaluatedRows]:
    """Return both models' rows with the same key and label, in the same order.

    Raises:
        AssertionError: the rows that are left are not identical, which a key that repeats would do.
    """
    import numpy as np

    _, places, other_places = np.intersect1d(own.keys, other.keys, return_indices=True)
    first, second = _taken(own, places), _taken(other, other_places)
    same_label = first.labels == second.labels
    first, second = _taken(first, same_label), _taken(second, same_label)
    if not (np.array_equal(first.keys, second.keys) and np.array_equal(first.labels, second.labels)):
        raise AssertionError("two models are compared on different rows")
    return first, second


def _taken(rows: EvaluatedRows, which: Any) -> EvaluatedRows:
    return EvaluatedRows(rows.keys[which], rows.labels[which], rows.blocks[which], rows.probabilities[which])


def _coarser(own: Any, other: Any) -> Any:
    """Return the division with fewer blocks, whichever model comes first; they are equal unless the split changed."""
    import numpy as np

    codes = [np.unique(blocks, return_inverse=True)[1] for blocks in (own, other)]
    return min(codes, key=lambda one: (int(one.max(initial=0)), one.tobytes()))


def _with_figures(verdict: Verdict, found: PairedDifference, rows: int, blocks: int) -> Verdict:
    outcome: Outcome = "better" if found.low > 0 else "worse" if found.high < 0 else "no difference"
    return replace(
        verdict,
        outcome=outcome,
        rows=rows,
        blocks=blocks,
        value=found.first,
        other=found.second,
        difference=found.difference,
        low=found.low,
        high=found.high,
    )


def write_verdict(verdict: Verdict, folder: Path, *, is_later: bool = False) -> None:
    """Write the verdict beside its model, all or nothing; a later one is on rows that were labelled since."""
    write_atomic(folder / (LATER if is_later else VERDICT), json.dumps(asdict(verdict), indent=1) + "\n")


def read_verdict(folder: Path, *, is_later: bool = False) -> Verdict | None:
    """Return the verdict beside a model; None if it has none that can be read."""
    try:
        found: dict[str, Any] = json.loads((folder / (LATER if is_later else VERDICT)).read_text(encoding="utf-8"))
        return Verdict(**{name: found[name] for name in Verdict.__dataclass_fields__ if name in found})
    except (OSError, ValueError, TypeError):
        return None


def _negated(value: float | None) -> float | None:
    return None if value is None else -value
