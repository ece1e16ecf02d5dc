"""The ledger's tables as ORM classes: inputs, batches, undone batches, rejects, runs, drift, gaps, erasures, costs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from warehouse.outcomes import REJECT_REASONS


class Ledger(DeclarativeBase):
    """Base of the ledger's classes; `warehouse/migrations` creates their tables, in schema `ledger`."""

    __table_args__: Any = {"schema": "ledger"}  # noqa: RUF012
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
        dict[str, str]: JSONB,
        dict[str, float]: JSONB,
        dict[str, Any]: JSONB,
        list[str]: JSONB,
        list[list[str]]: JSONB,
    }


class Layout(Ledger):
    """One row per migration; the highest version is the layout of the tables, checked before anything is written."""

    __tablename__ = "layout"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Run(Ledger):
    """One row per command that worked on the warehouse: start, end, outcome and library versions.

    A run is `running` as long as its process holds the run's advisory lock (`warehouse/work_lock.py`).
    """

    __tablename__ = "runs"
    __table_args__ = (CheckConstraint("outcome in ('running', 'succeeded', 'failed')"), {"schema": "ledger"})

    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    command: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(server_default="running")
    detail: Mapped[str | None]
    versions: Mapped[dict[str, str]]


class Input(Ledger):
    """One row per topic partition or reading of a file's content, with the position at which the next batch starts.

    `next_byte` is the same position in bytes of the decompressed content: after the last document that was read.
    A reading is how a content was read: `layout`, and for records the pointer `records_at` (null if an older Waybill
    read it). `is_layout_given` is true if a user gave the layout, and the declaration does not say it. A reading that
    landed nothing can be replaced by another one of the same content. `envelope` has the scalar fields beside the
    records by pointer, `envelope_left_out` the pointers of the others.
    """

    __tablename__ = "inputs"
    __table_args__ = (
        Index("inputs_current_reading", "source", "digest", unique=True, postgresql_where=text("replaced_at is null")),
        UniqueConstraint("source", "topic_id", "partition"),
        CheckConstraint("feed in ('file', 'kafka')"),
        CheckConstraint("(feed = 'file') = (digest is not null)"),
        CheckConstraint("(replaced_at is null) = (replaced_by is null)", name="inputs_replaced"),
        {"schema": "ledger"},
    )

    input_id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    feed: Mapped[str]
    digest: Mapped[str | None]
    topic_id: Mapped[str | None]
    partition: Mapped[int | None]
    name: Mapped[str]
    size_bytes: Mapped[int | None]
    layout: Mapped[str | None]
    next_position: Mapped[int] = mapped_column(server_default=text("1"))
    next_byte: Mapped[int | None]
    is_complete: Mapped[bool] = mapped_column(server_default=text("false"))
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    records_at: Mapped[str | None]
    is_layout_given: Mapped[bool] = mapped_column(server_default=text("false"))
    replaced_at: Mapped[datetime | None]
    replaced_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("ledger.inputs.input_id", deferrable=True, initially="DEFERRED")
    )
    envelope: Mapped[dict[str, Any] | None]
    envelope_left_out: Mapped[list[str] | None]


class InputName(Ledger):
    """One row per name under which an input's content was found."""

    __tablename__ = "input_names"

    input_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.inputs.input_id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class BatchRow(Ledger):
    """One row per contiguous range of one input, committed with its rows; a constraint enforces promise P1.

    For a replay, read is 0 and rejected is negative: each document moves from rejected to landed, so that the sums
    over a source count it once. `sent_at` is when the oldest message of a Kafka batch was sent.
    """

    __tablename__ = "batches"
    __table_args__ = (
        CheckConstraint("read = landed + rejected + skipped", name="batches_balance"),
        CheckConstraint("feed in ('file', 'kafka', 'replay')", name="batches_feed"),
        CheckConstraint(
            "read >= 0 and landed >= 0 and skipped >= 0 and (rejected >= 0 or feed = 'replay' and read = 0)",
            name="batches_counts",
        ),
        {"schema": "ledger"},
    )

    batch_id: Mapped[UUID] = mapped_column(primary_key=True)
    input_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.inputs.input_id"), index=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.runs.run_id"))
    source: Mapped[str] = mapped_column(index=True)
    feed: Mapped[str]
    first_position: Mapped[int]
    next_position: Mapped[int]
    first_byte: Mapped[int | None]
    contract_digest: Mapped[str]
    read: Mapped[int]
    landed: Mapped[int]
    rejected: Mapped[int]
    skipped: Mapped[int]
    sent_at: Mapped[datetime | None]
    committed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class UndoneBatch(Ledger):
    """One row per batch that was undone: its raw rows are gone, its rejects are closed.

    `undo_id` is the id by which dbt records that a model has processed the undoing. `documents` were deleted from the
    raw table. `closed_rejects` were open; `opened_rejects` are open again, if the batch was a replay. Loading the file
    again continues at `reload_position` and `reload_byte`, up to the batch's next position; null for messages and
    replays, which are not read again.
    """

    __tablename__ = "undone_batches"
    __table_args__ = (UniqueConstraint("undo_id"), {"schema": "ledger"})

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.batches.batch_id"), primary_key=True)
    undo_id: Mapped[UUID]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.runs.run_id"))
    undone_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    undone_by: Mapped[str]
    reason: Mapped[str | None]
    documents: Mapped[int]
    closed_rejects: Mapped[int]
    opened_rejects: Mapped[int]
    reload_position: Mapped[int | None]
    reload_byte: Mapped[int | None]


class RejectRow(Ledger):
    """One row per document that could not be landed: its bytes (or the first of them), position and reason.

    An erasure empties the bytes and what describes them, and sets `erased_by`; the nil UUID is then the fingerprint.
    """

    __tablename__ = "rejects"
    __table_args__ = (
        CheckConstraint(f"reason in {REJECT_REASONS}"),
        {"schema": "ledger"},
    )

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.batches.batch_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[str]
    detail: Mapped[str]
    pointer: Mapped[str | None]
    bytes: Mapped[bytes]
    first_byte: Mapped[int]
    length: Mapped[int]
    fingerprint: Mapped[UUID]
    replayed_by: Mapped[UUID | None] = mapped_column(ForeignKey("ledger.batches.batch_id"))
    is_undone: Mapped[bool] = mapped_column(server_default=text("false"))
    erased_by: Mapped[UUID | None] = mapped_column(ForeignKey("ledger.erasures.erasure_id"))


class Drift(Ledger):
    """One row per batch, pointer and type of a field that no contract names, with the number of its documents."""

    __tablename__ = "drift"

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.batches.batch_id"), primary_key=True)
    pointer: Mapped[str] = mapped_column(primary_key=True)
    json_type: Mapped[str] = mapped_column(primary_key=True)
    documents: Mapped[int]


class StageRun(Ledger):
    """One row per stage of a run, or per measured command: time, CPU, memory, disk and energy of all its parts.

    `run_id` is null for a stage that was run by itself, and for a command. Peak and mean are of the memory of all parts
    together. Bytes are read from and written to the disk, null if they cannot be measured for a part. Energy is the
    amount above an idle machine; `assumptions` are the constants that energy and CO2 are calculated with. Only figures
    of the same `machine` can be compared.
    """

    __tablename__ = "stage_runs"
    __table_args__ = (
        CheckConstraint("kind in ('stage', 'command')"),
        CheckConstraint("outcome in ('succeeded', 'failed')"),
        CheckConstraint("energy_method in ('rapl', 'estimate')"),
        {"schema": "ledger"},
    )

    stage_run_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger.runs.run_id"), index=True)
    kind: Mapped[str]
    stage: Mapped[str] = mapped_column(index=True)
    machine: Mapped[str]
    started_at: Mapped[datetime]
    outcome: Mapped[str]
    rows: Mapped[int]
    wall_seconds: Mapped[float]
    cpu_seconds: Mapped[float]
    peak_bytes: Mapped[int]
    mean_bytes: Mapped[int]
    read_bytes: Mapped[int | None]
    written_bytes: Mapped[int | None]
    energy_joules: Mapped[float]
    co2_grams: Mapped[float]
    energy_method: Mapped[str]
    assumptions: Mapped[dict[str, float]]

    parts: Mapped[list[StageRunPart]] = relationship(order_by="StageRunPart.part")


class StageRunPart(Ledger):
    """One row per part of a stage run (commands, PostgreSQL, broker), or the reason why that part was not measured."""

    __tablename__ = "stage_run_parts"
    __table_args__ = (CheckConstraint("(unseen is null) = (cpu_seconds is not null)"), {"schema": "ledger"})

    stage_run_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.stage_runs.stage_run_id"), primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    cpu_seconds: Mapped[float | None]
    peak_bytes: Mapped[int | None]
    mean_bytes: Mapped[int | None]
    read_bytes: Mapped[int | None]
    written_bytes: Mapped[int | None]
    unseen: Mapped[str | None]


class Gap(Ledger):
    """One row per range of a topic partition that was deleted before it was landed, and was accepted as lost."""

    __tablename__ = "gaps"

    gap_id: Mapped[UUID] = mapped_column(primary_key=True)
    input_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.inputs.input_id"))
    run_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.runs.run_id"))
    first_position: Mapped[int]
    next_position: Mapped[int]
    reason: Mapped[str]
    accepted_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Erasure(Ledger):
    """One row per erasure of a source's documents by their keys, which are kept only as keyed hashes.

    `documents` and `rejects` were erased when it was recorded. `key_types` are pointer and type of each field of the
    key, by which every spelling of a key is recognised, null if the document's value is the key. `secret_check` shows
    whether a secret is the one that the hashes were made with. `models` is what to do with models that learnt such
    rows. It is complete, with its certificate, when nothing that Waybill keeps holds a copy any more; until then it
    is continued.
    """

    __tablename__ = "erasures"
    __table_args__ = (CheckConstraint("models in ('keep-marked', 'refuse', 'retrain')"), {"schema": "ledger"})

    erasure_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.runs.run_id"))
    source: Mapped[str]
    key_types: Mapped[list[list[str]] | None]
    secret_check: Mapped[bytes]
    keys: Mapped[int]
    documents: Mapped[int]
    rejects: Mapped[int]
    models: Mapped[str]
    erased_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    completed_at: Mapped[datetime | None]
    certificate: Mapped[dict[str, Any] | None]


class BarredKey(Ledger):
    """One row per erasure and key that may not land again, as a hash with a secret that is not in the database.

    A key is recognised by the `key_types` of the erasure. Several erasures can bar the same key.
    """

    __tablename__ = "barred_keys"

    source: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    erasure_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.erasures.erasure_id"), primary_key=True, index=True)


class ErasedDocument(Ledger):
    """One row per landed document that was erased, or was not stored because its key is barred."""

    __tablename__ = "erased_documents"

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.batches.batch_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    erasure_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.erasures.erasure_id"), index=True)


class Backup(Ledger):
    """One row per backup that was begun and, as far as is known, not deleted; `folder` is null if it went to a pipe."""

    __tablename__ = "backups"

    backup_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.runs.run_id"))
    folder: Mapped[str | None]
    made_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
