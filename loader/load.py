"""Loads sources: plans, lands what the ledger does not hold yet, and says what became of the documents."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from uuid import UUID

from loader.declarations import source_names
from loader.errors import LoaderError
from loader.landing.chunks import batches
from loader.landing.raw_tables import make_raw_tables
from loader.landing.source_load import SourceLoad
from loader.plan import Request, SourcePlan, plan_source
from loader.progress import Begin, progress_bar
from loader.reading.inputs import spooled_standard_input, storable_name
from loader.reading.ranges import Reject
from loader.tallies import LoadResult, Tally, tallies_of
from warehouse.reconnecting import ReconnectingConnection
from warehouse.runs import recorded_run
from waybill.settings import get_settings


def load(request: Request | None = None, *, on_reject: Callable[[str, Reject], None] | None = None) -> LoadResult:
    """Land what is asked for and is not in the warehouse yet; a run that died goes on where it stopped.

    Declarations, contracts and files are checked before anything is written. What is said in the end is what the
    ledger holds of this run.

    Raises:
        LoaderError: a source, contract or file cannot be used; a file that changed is told when the others are landed.
        psycopg2.Error: the server failed for longer than it was waited for; what was landed before stays landed.
    """
    request = request or Request()
    settings = get_settings()
    with ExitStack() as stack:
        plans = [
            plan_source(name, request, settings, lambda: stack.enter_context(spooled_standard_input()))
            for name in request.sources or source_names()
        ]
        if request.dry_run:
            return _rehearsed(plans, on_reject or _unheard)
        make_raw_tables()
        connection = ReconnectingConnection("loader")
        stack.callback(connection.close)
        run_id = stack.enter_context(recorded_run(storable_name(" ".join(["load", *request.sources, *request.files]))))
        begin = stack.enter_context(progress_bar())
        return _landed(plans, run_id, connection, begin)


def _landed(plans: list[SourcePlan], run_id: UUID, connection: ReconnectingConnection, begin: Begin) -> LoadResult:
    result = LoadResult()
    problems: list[LoaderError] = []
    chunk_bytes = get_settings().waybill_chunk_bytes
    for plan in plans:
        size = sum(feed.input_file.size_bytes for feed in plan.feeds)
        work = SourceLoad(plan.of_run(run_id), chunk_bytes, begin(plan.source.source, size), connection.succeeded)
        connection.run(work.finish)
        result.new_files += work.new_files
        result.known_files += work.known_files
        problems += work.problems.values()
    if problems:
        more = f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""
        raise type(problems[0])(f"{problems[0]}{more}")
    sources = [plan.source.source for plan in plans]
    result.tallies = connection.run(lambda opened: tallies_of(opened, run_id, sources))
    return result


def _rehearsed(plans: list[SourcePlan], on_reject: Callable[[str, Reject], None]) -> LoadResult:
    """Frame and check everything without asking or writing anything anywhere; what passes counts as landed."""
    result = LoadResult()
    for plan in plans:
        tally = result.tallies[plan.source.source] = Tally()
        for feed in plan.feeds:
            result.new_files += 1
            for batch in batches(feed, get_settings().waybill_chunk_bytes):
                tally.landed += batch.landed
                tally.rejected += len(batch.rejects)
                tally.read = tally.landed + tally.rejected
                for reject in batch.rejects:
                    reason = reject.reason.code
                    tally.reasons[reason] = tally.reasons.get(reason, 0) + 1
                    on_reject(feed.input_file.name, reject)
    return result


def _unheard(name: str, reject: Reject) -> None:
    pass
