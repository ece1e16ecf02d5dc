"""Says how many rows a model had learnt of those that were erased, from what is kept of the rows it learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ml.checking.training_rows import NO_BATCH
from ml.erasing.marks import Learnt
from ml.erasing.mart_rows import MartRows
from ml.registry.evaluation import read_evaluation
from ml.registry.folders import FoundModel
from warehouse.connection import cursor_of

DOCUMENTS = """
select batch_id::text, count(*) from ledger.erased_documents where erasure_id::text = %s group by batch_id
"""


@dataclass(frozen=True)
class ErasedRows:
    """The rows of a mart that were erased or changed with them, as hashes of their keys.

    `gone` and `changed` are None if nobody knows which they were; `now` are the rows that are there. `batches` is batch
    → number of erased documents.
    """

    gone: Any
    changed: Any
    now: MartRows
    batches: dict[str, int]

    @property
    def affected(self) -> Any:
        """The rows that are gone or have changed; None if that is not known."""
        import numpy as np

        return None if self.gone is None else np.union1d(self.gone, self.changed)

    def gone_of(self, keys: Any) -> Any:
        """Return those of some keys whose rows are gone: if nobody knows which went, those that are not there."""
        import numpy as np

        return np.setdiff1d(keys, self.now.keys) if self.gone is None else np.intersect1d(keys, self.gone)


def compare_rows(before: MartRows | None, now: MartRows, batches: dict[str, int], keys: Any) -> ErasedRows:
    """Return which rows of a mart are gone or changed; `keys` are the hashes of erased keys.

    An erased row may have left the mart before, for example by an undo, after a model had learnt it.
    """
    import numpy as np

    if before is None:
        return ErasedRows(None, None, now, batches)
    gone = np.union1d(before.gone(now), np.setdiff1d(keys, now.keys))
    return ErasedRows(gone, before.changed(now), now, batches)


def read_erased_batches(erasure_id: UUID) -> dict[str, int]:
    """Return batch → number of documents that an erasure erased."""
    with cursor_of("reader") as cursor:
        cursor.execute(DOCUMENTS, [str(erasure_id)])
        return dict(cursor.fetchall())


def count_learnt(model: FoundModel, erased: ErasedRows) -> Learnt:
    """Return how many of the rows a model had learnt.

    Rows of the test set only measured it. An older model that does not say which rows it learnt is judged by batches:
    those that it learnt from and that had an erased document.
    """
    import numpy as np

    evaluation = read_evaluation(model.folder)
    if evaluation is None:
        return Learnt(_count_by_batches(model.manifest, erased), is_exact=False)
    learnt = np.setdiff1d(evaluation.labelled, evaluation.test.keys)
    if erased.affected is None:
        return Learnt(len(np.setdiff1d(learnt, erased.now.keys)), is_exact=False)
    return Learnt(len(np.intersect1d(learnt, erased.affected)), len(np.intersect1d(learnt, erased.changed)))


def _count_by_batches(manifest: dict[str, Any], erased: ErasedRows) -> int:
    learnt_from = {*manifest.get("batches", {}), *manifest.get("batch_digests", {})} - {NO_BATCH}
    if learnt_from:
        return sum(number for batch, number in erased.batches.items() if batch in learnt_from)
    return sum(erased.batches.values()) if erased.affected is None else len(erased.affected)
