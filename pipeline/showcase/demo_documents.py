# waybill: sample
"""Shows what happened to the demo's faulty documents: rejects, a duplicate, an uncastable value, a correction."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable

import click
from sqlalchemy import text

from loader.tracing.facts import FullLineage, Lineage
from loader.tracing.lineage import read_full_lineage, read_lineages
from loader.tracing.search import find_not_current, find_rejected
from loader.tracing.snapshot import Snapshot
from loader.tracing.terminal import lineage_lines
from ml.registry.artefact import current_manifest
from ml.task import chosen_tasks
from warehouse.connection import connect, engine
from waybill.cli import shown_command
from waybill.text import shown

WIDTH = 80
MAX_LINES = 2  # of one sentence
MAX_DOCUMENTS = 10  # of each reject reason and outcome; the sample has fewer
MAX_CHARACTERS = 10_000  # of a document; the sample's are shorter

DELAY_IN_MART = "select arrival_delay_minutes from marts.fct_flights where flight_id = :flight_id"


def show_documents() -> None:
    """Print what happened to the sample's faulty documents, as recorded in the warehouse."""
    with Snapshot(connect("reader")) as snapshot:
        ids = find_rejected(snapshot, max_per_reason=MAX_DOCUMENTS)
        rejected = read_lineages(snapshot, ids, max_bytes=0, max_characters=0)
        ids = find_not_current(snapshot, max_per_outcome=MAX_DOCUMENTS)
        not_current = read_lineages(snapshot, ids, max_bytes=0, max_characters=MAX_CHARACTERS)
        by_outcome = {lineage.outcome.outcome: lineage for lineage in not_current if lineage.outcome}
        superseded = by_outcome["superseded"]
        correction = read_full_lineage(snapshot, superseded.outcome.replaced_by_id)  # type: ignore[union-attr, arg-type]
        (with_text,) = read_lineages(snapshot, [correction.document], max_bytes=0, max_characters=MAX_CHARACTERS)
    _show_rejected(rejected)
    _show_duplicate(by_outcome["duplicate"])
    _show_uncastable(by_outcome["uncastable"])
    _show_correction(superseded, with_text, correction)
    click.echo(f"$ {shown_command(f'why {correction.coordinate}')}")
    _print_wrapped(lineage_lines(correction))


def _show_rejected(rejected: list[Lineage]) -> None:
    click.echo(f"{len(rejected)} were rejected; ledger.rejects keeps their bytes. All others landed:")
    for lineage in sorted(rejected, key=lambda one: one.document.position):
        if lineage.reject:
            _print_wrapped([f"{_shown(lineage, width=4)} {lineage.reject.reason}: {lineage.reject.explanation}"])


def _show_duplicate(lineage: Lineage) -> None:
    click.echo("1 came twice and is counted once:")
    if lineage.outcome and lineage.outcome.replaced_by:
        first = f"{lineage.source} {lineage.outcome.replaced_by.position}"
        _print_wrapped([f"{_shown(lineage)} is {first} again: {lineage.outcome.key}"])


def _show_uncastable(lineage: Lineage) -> None:
    click.echo("1 cannot be cast; a value never turns silently into null:")
    if lineage.outcome:
        _print_wrapped([f"{_shown(lineage, width=4)} {lineage.outcome.reason}"])


def _show_correction(superseded: Lineage, correction: Lineage, in_full: FullLineage) -> None:
    click.echo("1 was corrected; the version decides, not the order of arrival:")
    keys = {rows.mart: rows.key for rows in in_full.mart_rows}
    with engine("reader").connect() as connection:
        in_mart = connection.scalar(text(DELAY_IN_MART), {"flight_id": keys["fct_flights"][0]})
    _print_wrapped(
        [
            f"{_shown(superseded)} said {_delay(superseded)} minutes late, {_shown(correction)} says "
            f"{_delay(correction)}; marts.fct_flights has {in_mart}"
        ]
    )


def _shown(lineage: Lineage, width: int = 0) -> str:
    return f"{lineage.source} {lineage.document.position:<{width}}"


def _delay(lineage: Lineage) -> object:
    """Return the arrival delay that a flight's document contains."""
    document = json.loads((lineage.landed and lineage.landed.text) or "{}")
    return document["delays"]["arrival_minutes"]


def show_model() -> None:
    """Print how well the demo's model predicts; nothing if there is none."""
    for manifest in filter(None, map(current_manifest, chosen_tasks())):
        metrics = manifest["metrics"]
        click.echo("The model learnt from a handful of flights; it shows the steps, nothing more:")
        _print_wrapped([f"{manifest['chosen']}, ROC AUC {metrics['roc_auc']:.2f} on {metrics['rows']:.0f} flights"])


def _print_wrapped(sentences: Iterable[str]) -> None:
    """Print each sentence indented, in at most MAX_LINES lines."""
    for sentence in sentences:
        lines = textwrap.wrap(
            shown(sentence), WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )
        if len(lines) > MAX_LINES:
            lines[MAX_LINES - 1 :] = [f"{lines[MAX_LINES - 1][: WIDTH - 2]} …"]
        click.echo("\n".join(lines))
