"""An erasure that is being finished: what is known about it, and what each step found and did."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from loader.erasing.erase import Unfinished
from ml.erasing.report import Policy
from pipeline.erasing.kinds import Relation
from pipeline.erasing.lineage import Downstream, Lineage

MARTS = "marts"


@dataclass
class Erasing:
    """One erasure; `keys` are those that are known: none if the command continues one after a kill.

    `outside` are tables that no model makes and that can hold copies. `found` is what the certificate says of each
    step, without any key or value. `remarks` are for the user only, as are `files` of others that hold a key.
    `not_trained` says why a task has no new model although the policy is `retrain`.
    """

    recorded: Unfinished
    lineage: Lineage
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    outside: list[Relation] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    left_to_others: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    not_trained: list[str] = field(default_factory=list)

    @property
    def erasure_id(self) -> UUID:
        """Its id in the ledger."""
        return UUID(self.recorded.erasure_id)

    @property
    def source(self) -> str:
        """The source whose documents are erased."""
        return self.recorded.source

    @property
    def policy(self) -> Policy:
        """What becomes of models that had learnt erased rows."""
        return self.recorded.models  # type: ignore[return-value]

    @property
    def downstream(self) -> Downstream:
        """What dbt builds from the source."""
        return self.lineage.downstream(self.source)

    @property
    def marts(self) -> list[str]:
        """The names of the tables and views of schema marts that are made from the source."""
        return [relation.name for relation in self.downstream.relations if relation.schema == MARTS]
