"""Takes sources out of the warehouse: undoes all that they have landed, then drops their tables.

1. Everything that has landed is undone by the role keeper, so that the ledger says who did it, when and why.
2. No command works on the warehouse from here on, and nothing has landed since.
3. One transaction drops the raw tables, views, intermediate tables and marts, and what dbt knows of them.

Each step finds nothing to do if it was done before, so a command that was killed is run again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import click

from loader.known_sources import require_known
from loader.undo.plan import SourceUndo
from loader.undo.summary import undone_lines
from loader.undo.undo import undo_source
from pipeline.errors import ModellingRefused
from pipeline.modelling.printing import titled_lines
from pipeline.modelling.removing.asked import Asked
from pipeline.modelling.removing.tables import SourceTables
from warehouse.connecting.confirming import confirm_database
from warehouse.connection import connect, current_warehouse, cursor_of
from warehouse.migrations.workers import wait_for_lock
from waybill.text import counted

LANDED_SINCE = """
select exists (
    select from ledger.batches
    inner join ledger.inputs on batches.input_id = inputs.input_id
    where batches.source = any(%s) and batches.landed > 0 and inputs.replaced_at is null
        and not exists (select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id)
)
"""


def confirm_drop(sources: Mapping[str, Collection[str]], asked: Asked) -> None:
    """Let the user confirm that sources are taken out of the warehouse, or print what would be taken out.

    Raises:
        SourceUnknown: a source is neither declared nor known to the ledger.
        NotConfirmed: the user did not name the database.
        ModellingRefused: something else in the database reads one of the tables.
    """
    for source in sources:
        require_known(source)
    undone = {name: sums for source in sources for name, sums in undo_source(source, dry_run=True).items()}
    tables = _tables(sources)
    if asked.is_dry_run:
        _print(undone, tables, is_dry_run=True)
        return
    if undone or tables:
        _confirm(sources, undone, tables, asked)


def drop_sources(sources: Mapping[str, Collection[str]], asked: Asked) -> None:
    """Take sources out of the warehouse, with the models that they have.

    Raises:
        ModellingRefused: something else in the database reads one of the tables, or documents landed meanwhile.
        RunInProgress: a run or an undo is at work.
    """
    done = {name: sums for source in sources for name, sums in undo_source(source, reason=asked.reason).items()}
    _print(done, _drop(sources), is_dry_run=False)


def _tables(sources: Mapping[str, Collection[str]]) -> list[str]:
    """Return the tables and views that the sources have, after checking that nothing else needs them."""
    with cursor_of("reader") as cursor:
        found = SourceTables.find(cursor, sources)
        return [*found.views, *found.tables]


def _drop(sources: Mapping[str, Collection[str]]) -> list[str]:
    """Drop everything of the sources in one transaction, and return the tables and views."""
    connection = connect("owner")
    try:
        wait_for_lock(connection, "pg_try_advisory_lock", "remove waits for commands to end")  # 2.
        with connection, connection.cursor() as cursor:  # 3.
            cursor.execute(LANDED_SINCE, [list(sources)])
            if cursor.fetchone() == (True,):
                raise ModellingRefused(
                    f"documents of {', '.join(sources)} landed while this command ran: stop what loads them, then run "
                    "the same command again"
                )
            found = SourceTables.find(cursor, sources)
            found.drop(cursor)
            return [*found.views, *found.tables]
    finally:
        connection.close()


def _confirm(sources: Collection[str], undone: Mapping[str, SourceUndo], tables: Collection[str], asked: Asked) -> None:
    found = current_warehouse()
    name = found.settings.pgdatabase
    documents = sum(one.documents for one in undone.values())
    consequence = (
        f"This undoes {counted(documents, 'landed document')} of {', '.join(sources)} and drops "
        f"{counted(len(tables), 'table or view', 'tables and views')} in {found.description}, database {name}."
    )
    confirm_database(consequence, name, asked.confirmed, "nothing was removed")


def _print(undone: Mapping[str, SourceUndo], tables: Collection[str], *, is_dry_run: bool) -> None:
    for line in undone_lines(undone):
        click.echo(line)
    if tables:
        title = "Would drop" if is_dry_run else "Dropped"
        for line in titled_lines(
            f"{title} {counted(len(tables), 'table or view', 'tables and views')}", sorted(tables)
        ):
            click.echo(line)
