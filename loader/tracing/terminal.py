"""Shows a lineage in the terminal, one sentence a line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from loader.reading.originals import message_command
from loader.reading.readings import Reading
from loader.tracing.facts import (
    BatchFacts,
    ErasedFacts,
    FullLineage,
    LossFacts,
    MartRows,
    Prediction,
    RejectFacts,
    SourceBytes,
    UndoneFacts,
)
from warehouse.outcomes import CURRENT
from waybill.cli import shown_command
from waybill.text import counted

MAX_CHARACTERS = 2000


def lineage_lines(lineage: FullLineage) -> Iterator[str]:
    """Yield what happened to a document, in the order in which it happened."""
    if lineage.batch:
        batch = lineage.batch
        yield f"{lineage.coordinate} is source {batch.source}, {batch.feed} batch {batch.batch_id}"
        yield f"committed {shown_time(batch.committed_at)} by run {batch.run_id} ({batch.command})"
        yield from _reading(batch)
    if lineage.reject:
        reject = lineage.reject
        yield f"rejected: {reject.reason}: {reject.explanation} ({counted(reject.length, 'byte')})"
        yield from _bytes_of_reject(lineage, reject)
    if lineage.erased:
        yield from _erased(lineage.erased)
    if lineage.replay and lineage.reject:
        yield f"replayed: landed after all by batch {lineage.reject.replayed_by}"
        yield from lineage_lines(lineage.replay)
    if lineage.batch and lineage.batch.undone:
        yield from _undone(lineage, lineage.batch, lineage.batch.undone)
    if lineage.landed:
        yield f"landed in raw.{lineage.source}, fingerprint {lineage.landed.fingerprint}"
        if lineage.source_bytes:
            yield _source_bytes(lineage, lineage.source_bytes, lineage.landed.fingerprint)
        yield from _outcome(lineage)


def _reading(batch: BatchFacts) -> Iterator[str]:
    if batch.replaced_at:
        reading = Reading(batch.layout or "", batch.records_at)
        yield f"this reading of the file as {reading} was replaced by another one {shown_time(batch.replaced_at)}"
    if batch.envelope:
        fields = ", ".join(f"{pointer} = {orjson.dumps(value).decode()}" for pointer, value in batch.envelope.items())
        shown = fields if len(fields) <= MAX_CHARACTERS else f"{fields[:MAX_CHARACTERS]}…"
        yield f"beside the records: {shown}"
    if batch.envelope_left_out:
        yield f"beside the records, not kept: {', '.join(batch.envelope_left_out)[:MAX_CHARACTERS]}"


def _erased(erased: ErasedFacts) -> Iterator[str]:
    at = f"{shown_time(erased.erased_at)} by run {erased.run_id}, erasure {erased.erasure_id}"
    if erased.is_barred:
        yield f"its key was erased {at}, before it arrived: it was only counted"
    else:
        yield f"erased {at}"
    if not erased.is_complete:
        yield f"copies may be left until this erasure is complete: `{shown_command('erase')}` continues it"


def _undone(lineage: FullLineage, batch: BatchFacts, undone: UndoneFacts) -> Iterator[str]:
    reason = f": {undone.reason}" if undone.reason else ""
    yield f"its batch was undone {shown_time(undone.undone_at)} by {undone.undone_by}, run {undone.run_id}{reason}"
    if lineage.outcome:
        yield f"the marts follow with the next `{shown_command('run dbt')}`"
    if lineage.erased:
        return
    if batch.feed == "kafka":
        yield "messages of a topic are not read again: the partition's position stays; to land it again, send it again"
    elif batch.feed == "file":
        yield "the file was loaded again since" if undone.is_reloaded else "loading the file again lands it again"


def loss_lines(loss: LossFacts) -> list[str]:
    """Return where a position was lost, and who accepted the loss."""
    gap = f"the gap from {loss.first_position} to {loss.last_position}"
    return [
        f"{loss.coordinate} was lost before it could be landed, in {gap}: {loss.reason}",
        f"the gap was accepted {shown_time(loss.accepted_at)} by run {loss.run_id} ({loss.command})",
    ]


def shown_time(at: datetime) -> str:
    """Return a time as text, in UTC whatever the session's time zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _bytes_of_reject(lineage: FullLineage, reject: RejectFacts) -> Iterator[str]:
    found = lineage.source_bytes
    if found and found.state == "in_topic":
        yield f"{_source_bytes(lineage, found, reject.fingerprint)}; ledger.rejects keeps their beginning"
    elif found and found.state == "file_missing":
        yield "its file is gone or has changed: ledger.rejects keeps only the beginning of its bytes"
    elif found:
        yield _source_bytes(lineage, found, reject.fingerprint)


def _source_bytes(lineage: FullLineage, found: SourceBytes, fingerprint: str) -> str:
    command = message_command(lineage.coordinate.name, lineage.coordinate.position)
    kept = "its bytes" if found.is_complete else "the beginning of its bytes"
    return {
        "checked": f"source bytes, fingerprint {fingerprint} checked: {_beginning(found)}",
        "file_missing": "its file is gone or has changed: only the raw table still holds its value",
        "file_differs": f"the file no longer holds it at this position: the fingerprint there is not {fingerprint}",
        "unreadable": f"its bytes cannot be read again: {found.detail}",
        "reject_differs": f"the bytes in ledger.rejects do not have the fingerprint {fingerprint}",
        "in_topic": f"source bytes: {command}, while the topic has them",
        "in_reject": f"it was rejected first, in batch {found.detail}; the reject keeps {kept}",
    }[found.state]


def _beginning(found: SourceBytes) -> str:
    text = found.beginning.decode("utf-8", "backslashreplace")
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}… ({found.length:,} bytes)"


def _outcome(lineage: FullLineage) -> Iterator[str]:
    outcome = lineage.outcome
    if outcome is None and not lineage.is_modelled:
        yield (
            f"not modelled: dbt has built no models of source {lineage.source}; docs/own-data.md says how to add them, "
            f"`{shown_command('run dbt')}` builds them"
        )
        return
    if outcome is None:
        yield f"not yet transformed: run `{shown_command('run dbt')}`"
        return
    reason = f": {outcome.reason}" if outcome.reason else ""
    yield f"{outcome.outcome}{reason}{f', key {outcome.key}' if outcome.key else ''}"
    if outcome.replaced_by:
        yield f"replaced by {outcome.replaced_by}"
    elif lineage.current:
        yield f"the current document with this key is {lineage.current}"
    elif outcome.outcome != CURRENT:
        yield "no document with this key is current"
    for other in lineage.same_key:
        yield f"the same key was delivered at {other.coordinate}: {other.outcome}"
    for rows in lineage.mart_rows:
        yield from _mart_rows(rows)


def _mart_rows(rows: MartRows) -> Iterator[str]:
    more = f" and {rows.rows - 1} more" if rows.rows > 1 else ""
    yield f"mart row marts.{rows.mart}: {', '.join(rows.key)}{more}"
    for prediction in rows.predictions:
        if prediction.probability is None:
            yield f"not in predictions.{prediction.table} yet: `{shown_command('score')}` predicts new rows"
            continue
        stale = _staleness(prediction)
        label = f"{prediction.label}, " if prediction.label is not None else ""
        yield (
            f"prediction predictions.{prediction.table}: {label}{prediction.probability:.3f} by model "
            f"{prediction.model_id}{stale}"
        )


def _staleness(prediction: Prediction) -> str:
    """Return a note about the model's training rows; empty while a check says that they are unchanged."""
    if not prediction.is_stale and not prediction.is_outdated:
        return ""
    stale = ", which is stale: its training rows have changed since" if prediction.is_stale else ""
    checked = f" (checked {prediction.checked_at:%Y-%m-%d %H:%M} UTC)" if prediction.checked_at else ""
    if not prediction.is_outdated:
        return f"{stale}{checked}"
    return f"{stale}{checked}, whose check is outdated: `{shown_command('verify')}` makes it again"
