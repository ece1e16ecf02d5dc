"""The rows that a model was measured on, kept without their keys, so that a later model is compared on the same rows.

`evaluation.npz` beside the model holds two sets: validation, predicted by the recipe as it was fitted on the training
set, and test, predicted by the model itself, which is refitted on train and validation. It also holds the hashes of all
rows that had a label at that time: a row that is none of them was labelled later.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waybill.atomic_files import atomic_file

EVALUATION = "evaluation.npz"
SETS = ("validation", "test")
MULTIPLIER = 0x9E3779B97F4A7C15  # odd: the order of the key's columns counts


@dataclass(frozen=True)
class EvaluatedRows:
    """Rows with their label and what was predicted for them; arrays of equal length, in any order.

    `keys` are 64-bit hashes of the rows' keys (`hash_keys`), `labels` the number of each row's class, `blocks` the day,
    group or row that the bootstrap draws as a whole. `probabilities` are of the positive class, or one column a class.
    """

    keys: Any
    labels: Any
    blocks: Any
    probabilities: Any

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.keys)


@dataclass(frozen=True)
class Evaluation:
    """A model's evaluated rows by set, and the sorted hashes of all rows that had a label when it was trained."""

    validation: EvaluatedRows
    test: EvaluatedRows
    labelled: Any


def hash_keys(keys: Any) -> Any:
    """Return a 64-bit hash of each row's key: a data frame of the key's columns as text, in the task's order.

    It depends on nothing but the texts: not on the process, the order of rows, or how pandas stores text.
    """
    import numpy as np
    from pandas.util import hash_array

    hashes = np.zeros(len(keys), dtype=np.uint64)
    for name in keys.columns:
        texts = np.asarray(keys[name].astype("object"), dtype=object)
        hashes = hashes * np.uint64(MULTIPLIER) + hash_array(texts, categorize=False)
    return hashes


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write `evaluation.npz` into a model's folder, completely or not at all; the same rows give the same bytes."""
    import numpy as np

    arrays = {
        f"{name}_{field}": getattr(getattr(evaluation, name), field)
        for name in SETS
        for field in EvaluatedRows.__dataclass_fields__
    }
    with atomic_file(folder / EVALUATION) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, labelled=np.sort(evaluation.labelled), **arrays)


def read_evaluation(folder: Path) -> Evaluation | None:
    """Return what a model was measured on; None if there is no such file, as of older models, or it is unreadable."""
    import numpy as np

    try:
        with (folder / EVALUATION).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            validation, test = (
                EvaluatedRows(**{field: arrays[f"{name}_{field}"] for field in EvaluatedRows.__dataclass_fields__})
                for name in SETS
            )
            return Evaluation(validation, test, arrays["labelled"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
