"""One document as the report shows it: where it came from, what happened to it, and how it begins."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from loader.tracing.facts import Lineage, OutcomeFacts, RejectFacts
from loader.tracing.terminal import shown_time
from waybill.cli import shown_command
from waybill.text import shown_bytes

SAMPLE_CHARACTERS = 72
MAX_CHARACTERS = 2000


@dataclass(frozen=True)
class DocumentEntry:
    """The texts of one document, not escaped yet.

    `group` is its reject reason or its outcome, `summary` one line about it, `facts` are names and values. `document`
    is its beginning, `is_cut` if there is more of it. `length` counts the bytes of a reject. `command` asks `why`.
    """

    anchor: str
    group: str
    source: str
    coordinate: str
    summary: str
    facts: list[tuple[str, str]]
    document: str
    is_cut: bool
    length: int | None
    command: str

    @property
    def sample(self) -> str:
        """The first characters of the document."""
        return self.document[:SAMPLE_CHARACTERS]


def entry_of(lineage: Lineage) -> DocumentEntry:
    """Return the entry of a document that was rejected, or that landed and has an outcome."""
    if lineage.reject:
        return _rejected(lineage, lineage.reject)
    if lineage.outcome:
        return _landed(lineage, lineage.outcome)
    raise ValueError(f"{lineage.coordinate} was not rejected and has no outcome")


def _rejected(lineage: Lineage, reject: RejectFacts) -> DocumentEntry:
    facts = [_batch(lineage), ("rejected", f"{reject.reason}: {reject.explanation}")]
    if lineage.batch and lineage.batch.undone:
        facts.append(("undone", f"{shown_time(lineage.batch.undone.undone_at)}, which closed the reject"))
    if lineage.erased:
        facts.append(("erased", f"{shown_time(lineage.erased.erased_at)}, erasure {lineage.erased.erasure_id}"))
    if reject.replayed_by:
        facts.append(("replayed", f"landed after all, by batch {reject.replayed_by}"))
    return _entry(
        lineage,
        group=reject.reason,
        summary=f"{reject.explanation}{' (replayed)' if reject.replayed_by else ''}",
        facts=facts,
        document=shown_bytes(reject.kept[:MAX_CHARACTERS]),
        is_cut=reject.length > min(len(reject.kept), MAX_CHARACTERS),
        length=reject.length,
    )


def _landed(lineage: Lineage, outcome: OutcomeFacts) -> DocumentEntry:
    facts = [_batch(lineage)]
    if outcome.key:
        facts.append(("key", outcome.key))
    summary = f"replaced by {outcome.replaced_by}" if outcome.replaced_by else outcome.reason or ""
    facts.append((outcome.outcome, summary))
    text = (lineage.landed and lineage.landed.text) or ""
    return _entry(
        lineage,
        group=outcome.outcome,
        summary=summary,
        facts=facts,
        document=text[:MAX_CHARACTERS],
        is_cut=len(text) > MAX_CHARACTERS,
    )


def _batch(lineage: Lineage) -> tuple[str, str]:
    batch = lineage.batch
    if batch is None:
        return "batch", f"{lineage.document.batch_id}, which is not in the ledger"
    return "batch", f"{batch.batch_id}, committed {shown_time(batch.committed_at)} by {batch.command}"


def _entry(
    lineage: Lineage,
    *,
    group: str,
    summary: str,
    facts: list[tuple[str, str]],
    document: str,
    is_cut: bool,
    length: int | None = None,
) -> DocumentEntry:
    coordinate = str(lineage.coordinate)
    return DocumentEntry(
        anchor=f"{lineage.source}-{lineage.document.batch_id}-{lineage.document.position}",
        group=group,
        source=lineage.source,
        coordinate=coordinate,
        summary=summary,
        facts=facts,
        document=document,
        is_cut=is_cut,
        length=length,
        command=shown_command(f"why {shlex.quote(coordinate)}"),
    )
