"""The lineage of a document as data: everything that happened to it, from its source bytes to its predictions.

`loader.tracing.lineage` reads it from the warehouse. Three renderers show it: `loader.tracing.terminal` for `why`, the
report's page of documents, and the demo.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from waybill.json_pointers import with_pointer


class DocumentId(NamedTuple):
    """How the warehouse identifies a document: the batch that read it, and its position in the batch's input."""

    batch_id: str
    position: int


@dataclass(frozen=True)
class Coordinate:
    """Where a document came from: the name of its input (file, or topic and partition), and its position there."""

    name: str
    position: int

    def __str__(self) -> str:
        """Return the coordinate as `why` takes it."""
        return f"{self.name}:{self.position}"


@dataclass(frozen=True)
class UndoneFacts:
    """Who undid a batch, when and why; `is_reloaded` if loading its file again has landed the range again."""

    undone_at: datetime
    undone_by: str
    reason: str | None
    run_id: str
    is_reloaded: bool


@dataclass(frozen=True)
class ErasedFacts:
    """When a document was erased; `is_complete` if no copy is left, `is_barred` if its key was erased before that."""

    erasure_id: str
    erased_at: datetime
    run_id: str
    is_complete: bool
    is_barred: bool


@dataclass(frozen=True)
class BatchFacts:
    """The batch that read the document, with its run and its input; `undone` if it was undone.

    `first_position` and `first_byte` are where the batch begins in its input; `first_byte` is None for Kafka.
    `replaced_at` is when another reading of the file replaced the one that the batch belongs to.
    """

    batch_id: str
    source: str
    feed: Literal["file", "kafka", "replay"]
    committed_at: datetime
    run_id: str
    command: str
    input_id: str
    input_name: str
    digest: str | None
    layout: str | None
    first_position: int
    first_byte: int | None
    records_at: str | None = None
    replaced_at: datetime | None = None
    envelope: dict[str, Any] | None = None
    envelope_left_out: list[str] | None = None
    undone: UndoneFacts | None = None


@dataclass(frozen=True)
class RejectFacts:
    """Why the document was rejected, and what `ledger.rejects` keeps of it.

    `kept` are the first bytes that were read from the ledger, of `length` bytes in all; `replayed_by` is the batch that
    landed the document later.
    """

    reason: str
    detail: str
    pointer: str | None
    first_byte: int
    length: int
    fingerprint: str
    kept: bytes
    replayed_by: str | None

    @property
    def explanation(self) -> str:
        """The detail, with the field it is about."""
        return with_pointer(self.detail, self.pointer)


@dataclass(frozen=True)
class LandedFacts:
    """The document's row in its raw table; `text` is the beginning of its jsonb as text, if it was asked for."""

    fingerprint: str
    text: str | None


@dataclass(frozen=True)
class OutcomeFacts:
    """What dbt made of a landed document.

    `replaced_by` is the document that is kept instead of it, if it is a duplicate or superseded.
    """

    source: str
    outcome: str
    key: str | None
    reason: str | None
    replaced_by: Coordinate | None
    replaced_by_id: DocumentId | None


@dataclass(frozen=True)
class SourceBytes:
    """Where the document's original bytes are, and their beginning where they were read again and checked.

    checked         read, and their fingerprint is the recorded one: `beginning`, of `length` bytes
    file_missing    no file with the recorded content was found
    file_differs    the file holds something else at this position
    unreadable      the file cannot be read again; `detail` says why
    reject_differs  the bytes kept in `ledger.rejects` do not have the recorded fingerprint
    in_topic        in Kafka, while the topic keeps them
    in_reject       in `ledger.rejects`, since the document was rejected first; `detail` is the batch that rejected it
    """

    state: Literal["checked", "file_missing", "file_differs", "unreadable", "reject_differs", "in_topic", "in_reject"]
    beginning: bytes = b""
    length: int = 0
    detail: str = ""
    is_complete: bool = True


@dataclass(frozen=True)
class SameKey:
    """Another document with the same key, and its outcome."""

    coordinate: Coordinate
    outcome: str


@dataclass(frozen=True)
class Prediction:
    """What a model predicts for a mart row; `model_id` and `probability` are None if it has no prediction yet.

    Of several classes, `label` is the most probable one and `probability` its own; of two, `label` is None. Whether the
    model is stale was last found out at `checked_at`; the check `is_outdated` if the mart may have changed since.
    """

    table: str
    model_id: str | None = None
    probability: float | None = None
    is_stale: bool = False
    label: str | None = None
    checked_at: datetime | None = None
    is_outdated: bool = False


@dataclass(frozen=True)
class MartRows:
    """The rows of one mart that were made from the document: the key of the first, and how many there are."""

    mart: str
    key: tuple[str, ...]
    rows: int
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Lineage:
    """What the warehouse knows of one document.

    `batch` is None only if the ledger does not know the batch. A document has either a `reject` or a `landed` row; with
    neither, it was `erased`, its batch was undone, or the position holds no document. `outcome` is None until dbt has
    processed the batch.
    """

    document: DocumentId
    source: str
    coordinate: Coordinate
    batch: BatchFacts | None
    reject: RejectFacts | None
    landed: LandedFacts | None
    outcome: OutcomeFacts | None
    erased: ErasedFacts | None

    @property
    def is_empty(self) -> bool:
        """True when the position holds no document: a blank line, a tombstone, a row that is gone."""
        is_gone = self.erased or (self.batch and self.batch.undone)
        return self.reject is None and self.landed is None and not is_gone


@dataclass(frozen=True)
class FullLineage(Lineage):
    """A lineage with everything that takes separate queries or file reads.

    `is_modelled` is false if dbt has built models, but none of this source. `source_bytes` is None for an empty
    position. `current` is the current document with the same key, for a document that is neither current nor replaced.
    `replay` is the lineage of the document in the batch that landed it later.
    """

    is_modelled: bool
    source_bytes: SourceBytes | None
    current: Coordinate | None
    same_key: tuple[SameKey, ...]
    mart_rows: tuple[MartRows, ...]
    replay: FullLineage | None


@dataclass(frozen=True)
class LossFacts:
    """A position that was lost before it could be landed: it lies in a gap that somebody accepted."""

    coordinate: Coordinate
    first_position: int
    last_position: int
    reason: str
    accepted_at: datetime
    run_id: str
    command: str
