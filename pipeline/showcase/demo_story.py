"""What the demo tells of single documents: three that were rejected, one that came twice, one that was corrected."""

from __future__ import annotations

import textwrap

import click
from sqlalchemy import text

from loader.tracing.why import why
from ml.artefact import current_manifest
from warehouse.connection import engine
from waybill.settings import get_settings

WIDTH = 80
SHOWN = 2  # lines of a long line

REJECTS = """
    select
        batches.source,
        rejects.position,
        rejects.reason,
        rejects.detail || coalesce(' at ' || rejects.pointer, '') as detail
    from ledger.rejects
    inner join ledger.batches on rejects.batch_id = batches.batch_id
    order by rejects.position
"""
REPLACED = """
    select
        outcome.outcome,
        outcome.source,
        outcome._position as position,
        outcome.surviving_position,
        outcome.document_key,
        outcome.reason,
        raw.document -> 'delays' ->> 'arrival_minutes' as said,
        survivor.document -> 'delays' ->> 'arrival_minutes' as says,
        flight.arrival_delay_minutes as stands
    from intermediate.document_outcomes as outcome
    inner join raw.flights as raw on outcome._batch_id = raw._batch_id and outcome._position = raw._position
    left join raw.flights as survivor
        on outcome.surviving_batch_id = survivor._batch_id and outcome.surviving_position = survivor._position
    left join marts.fct_flights as flight
        on survivor._batch_id = flight._batch_id and survivor._position = flight._position
    where outcome.source = 'flights' and outcome.outcome <> 'current'
"""


def tell(file: str, database: str) -> None:
    """Print the stories of the small sample's documents, asked of the warehouse."""
    with engine("reader").connect() as connection:
        rejects = connection.execute(text(REJECTS)).all()
        replaced = {row.outcome: row for row in connection.execute(text(REPLACED))}
    click.echo(f"{len(rejects)} were rejected; ledger.rejects keeps their bytes, the others landed:")
    for row in rejects:
        _say(f"{row.source} {row.position:<4} {row.reason}: {row.detail}")
    twice = replaced["duplicate"]
    click.echo("1 came twice and is counted once:")
    _say(f"flights {twice.position} is flights {twice.surviving_position} again: {twice.document_key}")
    click.echo("1 cannot be cast; a value is never turned silently into null:")
    _say(f"flights {replaced['uncastable'].position:<4} {replaced['uncastable'].reason}")
    wrong = replaced["superseded"]
    click.echo("1 was corrected; the version decides, not the order of arrival:")
    _say(
        f"flights {wrong.position} said {wrong.said} minutes late, flights {wrong.surviving_position} "
        f"says {wrong.says}; marts.fct_flights has {wrong.stands}"
    )
    coordinate = f"{file}:{wrong.surviving_position}"
    click.echo(f"$ PGDATABASE={database} .venv/bin/python -m loader why {coordinate}")
    for line in why(coordinate):
        _say(line)
    _tell_model()


def _tell_model() -> None:
    manifest = current_manifest(get_settings().waybill_task)
    if manifest:
        metrics = manifest["metrics"]
        click.echo("The model learnt from a handful of flights and shows the way, no more:")
        _say(f"{manifest['chosen']}, ROC AUC {metrics['roc_auc']:.2f} on {metrics['rows']:.0f} flights")


def _say(line: str) -> None:
    lines = textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    if len(lines) > SHOWN:
        lines[SHOWN - 1 :] = [f"{lines[SHOWN - 1][: WIDTH - 2]} …"]
    click.echo("\n".join(lines))
