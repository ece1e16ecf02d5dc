"""`waybill why`: takes a coordinate, a row of a mart, or the id of a prediction that the API has answered."""

from __future__ import annotations

import re

import click

from waybill.text import shown

PREDICTION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@click.command()
@click.argument("coordinate", metavar="COORDINATE|TABLE|PREDICTION")
@click.argument("key", nargs=-1)
def why(coordinate: str, key: tuple[str, ...]) -> None:
    """Show what became of the document at COORDINATE, such as data/raw/cafes.ndjson:12.

    With a KEY, TABLE is a mart or predictions, and the command shows the lineage of the row's document from its source
    to its prediction: waybill why orders A-1042

    With PREDICTION, the id in an answer of the API, it shows what the model was given and what it answered; if the
    features were read by key, also whether the row has changed since, and the row's lineage.
    """
    from loader.tracing.why import why, why_row
    from pipeline.tracing.answer import why_answer

    if not key and PREDICTION_ID.fullmatch(coordinate):
        lines = why_answer(coordinate.lower())
    else:
        lines = why_row(coordinate, key) if key else why(coordinate)
    for line in lines:
        click.echo(shown(line))
