"""Loads sources: plans, lands what the ledger does not have yet, and returns what became of the documents."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from uuid import UUID

from psycopg2.extensions import connection as Connection

from loader.declarations import read_source, source_names
from loader.dry_run import OnReject, dry_run
from loader.errors import LoaderError, NothingInRange, RangeRefused
from loader.known_sources import has_anything_landed
from loader.landing.raw_tables import make_raw_tables
from loader.landing.source_load import SourceLoad
from loader.plan import Request, SourcePlan, plan_source
from loader.progress import StartBar, progress_bars
from loader.raw_files import LeftAlone, left_alone
from loader.reading.input_files import spooled_standard_input, storable_name
from loader.tallies import LoadResult, files_with_rejects, has_ever_landed, tallies_of
from warehouse.reconnecting import ReconnectingConnection
from warehouse.runs import recorded_run
from waybill.observing.work import observed
from waybill.settings import get_settings
from waybill.text import counted

COLLECT_AFTER = 70_000  # a hundred times Python's default


def load(request: Request | None = None, *, on_reject: OnReject | None = None) -> LoadResult:
    """Land the requested documents that are not in the warehouse yet; resume where an interrupted run stopped.

    Declarations, contracts and files are checked before anything is written. The result is what the ledger has recorded
    for this run. In a dry run, `on_reject` is called with the file's name and each reject. If every document of a named
    file was rejected, or all of a source that has landed nothing, the result's `refusal` is the error to end with.

    Raises:
        LoaderError: a source, contract or file cannot be used. A file that changed while it was read is reported after
            the other files are landed.
        psycopg2.Error: all attempts failed; what was landed before stays landed.
    """
    request = request or Request()
    settings = get_settings()
    with ExitStack() as stack:
        stack.enter_context(_collecting_rarely())
        names = _sources(request)
        _require_dates(names, request)
        plans = [
            plan_source(name, request, settings, lambda: stack.enter_context(spooled_standard_input()))
            for name in names
        ]
        left = left_alone(settings.raw_folder) if not request.files else LeftAlone()
        for plan in plans:
            left.add(plan.left_alone)
        if request.days and plans and not any(plan.feeds for plan in plans):
            raise NothingInRange(f"no file of {', '.join(names)} is in the range {request.days}; {left}")
        if request.dry_run:
            result = dry_run(plans, on_reject or (lambda name, reject: None))
            result.refuse_rejected({plan.source.source for plan in plans}, are_named=bool(request.files))
            return replace(result, left_alone=left)
        make_raw_tables()
        connection = ReconnectingConnection("loader")
        stack.callback(connection.close)
        run_id = stack.enter_context(recorded_run(storable_name(_command(request))))
        start_bar = stack.enter_context(progress_bars())
        result = _land(plans, run_id, connection, start_bar)
        ever_landed = connection.run(lambda opened: _count_rejects(opened, plans, result))
        result.refuse_rejected(ever_landed, are_named=bool(request.files))
        return replace(result, left_alone=left)


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Run Python's cyclic garbage collector rarely: it scans what is known of each file, and finds hardly a cycle."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _count_rejects(connection: Connection, plans: list[SourcePlan], result: LoadResult) -> set[str]:
    """Add the files that have open rejects to the result; return the sources of which anything was ever landed."""
    result.with_rejects = [
        file
        for plan in plans
        for file in files_with_rejects(connection, plan.source.source, {feed.input_file.digest for feed in plan.feeds})
    ]
    return {name for name in {file.source for file in result.with_rejects} if has_ever_landed(connection, name)}


def _sources(request: Request) -> list[str]:
    """Return the sources to load: those named, else those that have files.

    If none has a file, there is nothing to load once documents have landed from elsewhere: a source may be landed from
    a topic or from named files alone. Before that, all sources are returned, so that the first one is reported.
    """
    names = source_names()
    if request.sources or request.files:
        return list(request.sources or names)
    with_files = [name for name in names if read_source(name).default_files(get_settings().raw_folder)]
    return with_files if with_files or (not request.dry_run and has_anything_landed()) else names


def _require_dates(names: list[str], request: Request) -> None:
    """Raise RangeRefused if dates are to be compared, and no pattern of any of the sources captures one."""
    if request.days and names and not any(read_source(name).captures_dates for name in names):
        raise RangeRefused(
            f"--from and --to compare dates in file names, and no pattern of {', '.join(names)} captures one: write, "
            f"for example, {{date:%Y-%m-%d}} into a pattern under `files` in loader/sources/{names[0]}.yml"
        )


def _command(request: Request) -> str:
    """Return the command that asks for the same; it takes several sources only without files."""
    sources = request.sources if len(request.sources) == 1 or not request.files else ()
    return " ".join(["load", *sources, *request.files, *(request.days.options if request.days else [])])


def _land(plans: list[SourcePlan], run_id: UUID, connection: ReconnectingConnection, start_bar: StartBar) -> LoadResult:
    result = LoadResult()
    problems: list[LoaderError] = []
    chunk_bytes = get_settings().waybill_chunk_bytes
    for plan in plans:
        size_bytes = sum(feed.input_file.size_bytes for feed in plan.feeds)
        on_landed = start_bar(plan.source.source, size_bytes)
        source_load = SourceLoad(plan.of_run(run_id), chunk_bytes, on_landed, connection.succeeded)
        with observed("load", plan.source.source, ledger_run=str(run_id)):
            connection.run(source_load.finish)
        result.new_files += source_load.new_files
        result.known_files += source_load.known_files
        problems += source_load.problems.values()
    if problems:
        more = f" (and {counted(len(problems) - 1, 'more file')})" if len(problems) > 1 else ""
        raise type(problems[0])(f"{problems[0]}{more}")
    sources = [plan.source.source for plan in plans]
    result.tallies = connection.run(lambda opened: tallies_of(opened, run_id, sources))
    return result
