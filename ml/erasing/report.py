"""What an erasure did to predictions, answers and models, for the command's output and for its certificate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Policy = Literal["keep-marked", "refuse", "retrain"]


@dataclass(frozen=True)
class MarkedModel:
    """A model that had learnt erased rows, or rows that changed because others were erased, and whether it may predict.

    `is_exact` is false if `rows` is an upper limit, because it is not known which rows it learnt. `named_texts` is
    the number of texts that only erased rows had and that its files still name; None if they cannot be searched.
    """

    task: str
    model_id: str
    is_current: bool
    rows: int
    is_exact: bool
    is_refused: bool
    named_texts: int | None


@dataclass(frozen=True)
class ErasedFromModels:
    """The rows that were deleted by table of schema predictions, and the models that had learnt erased rows.

    `kept` are rows that stay although their key is not in the mart: they are of other keys than the erased ones.
    `unchecked` has one sentence for each table or model whose contents are not known.
    """

    deleted: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    models: list[MarkedModel] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def tasks(self) -> list[str]:
        """The tasks with a model that had learnt erased rows."""
        return list(dict.fromkeys(model.task for model in self.models))

    def as_json(self) -> dict[str, Any]:
        """Return what the certificate says: no key and no value of a row."""
        return {
            "rows_deleted": self.deleted,
            "rows_of_other_keys_kept": {name: number for name, number in self.kept.items() if number},
            "models": [dict(vars(model)) for model in self.models],
            "unchecked": self.unchecked,
        }
