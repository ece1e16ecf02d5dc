"""Lands one source's files: resumes where earlier runs stopped, and continues until all documents are landed."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.errors import LayoutChanged, LoaderError
from loader.landing.batch import FileBatch
from loader.landing.chunks import chunks
from loader.landing.feeds import FileFeed
from loader.landing.file_positions import FilePositions
from loader.landing.known_inputs import KnownInput, find_known_inputs, find_unfinished, record_skipped
from loader.landing.land import land
from loader.landing.prefetch import prefetched
from loader.landing.undone_ranges import join_ranges
from loader.reading.byte_ranges import START
from loader.reading.input_files import STANDARD_INPUT
from waybill.cli import shown_command
from waybill.text import counted

OnLanded = Callable[[FileBatch], None]

logger = logging.getLogger(__name__)


class SourceLoad:
    """The files of one source that are still to be landed; `finish` can be called again after any failure."""

    def __init__(
        self, feeds: list[FileFeed], chunk_bytes: int, on_landed: OnLanded, on_chunk: Callable[[], None]
    ) -> None:
        """Take the files, the memory for a chunk, and what to call for each landed batch and each landed chunk."""
        self._pending = feeds
        self._chunk_bytes = chunk_bytes
        self._on_landed = on_landed
        self._on_chunk = on_chunk
        self._started: set[str] = set()
        self._finished: set[Path] = set()  # files that were landed from their beginning to their end
        self._replacing: set[str] = set()  # contents whose former reading this load replaces, each once
        self._reported: set[str] = {STANDARD_INPUT}  # standard input has another content each time it is read
        self.new_files = 0
        self.known_files = 0
        self.problems: dict[Path, LoaderError] = {}

    def finish(self, connection: Connection) -> None:
        """Land all documents that are not landed yet.

        Another loader may land some of the batches meanwhile, so this repeats until the ledger has all files complete.
        Files that were landed here as a whole are not looked up again.
        """
        while feeds := self._find_unlanded(connection):
            with prefetched(chunks(feeds, self._chunk_bytes, self._set_aside)) as ready:
                for chunk in ready:
                    for batch in land(connection, chunk, FilePositions()):
                        self._on_landed(batch)
                        if batch.is_last and batch.feed.start == START and not batch.feed.undone:
                            self._finished.add(batch.feed.input_file.path)
                    self._on_chunk()

    def _find_unlanded(self, connection: Connection) -> list[FileFeed]:
        """Return feeds for what is not landed of each content: its undone ranges, and all from its next position on.

        Contents that are complete in the ledger are recorded as skipped.
        """
        self._leave_out_finished()
        if not self._pending:
            return []
        source = self._pending[0].source.source
        with connection, connection.cursor() as cursor:
            known = find_known_inputs(cursor, source, {feed.input_file.digest for feed in self._pending})
            self._report_changed(cursor, source, known.keys())
            found = [(feed, self._next_step(feed, known.get(feed.input_file.digest))) for feed in self._read_as(known)]
            skipped = [feed for feed, step in found if step == "skip"]
            record_skipped(cursor, skipped, known)
        self._count(skipped)
        unlanded: dict[str, list[FileFeed]] = {}
        for feed, step in found:
            if isinstance(step, list):
                unlanded.setdefault(feed.input_file.digest, step)
        self._pending = [feed for feed, step in found if isinstance(step, list)]
        self._started.update(unlanded)
        parts = [part for step in unlanded.values() for part in step]
        self._replacing.update(part.input_file.digest for part in parts if part.replaces)
        return parts

    def _leave_out_finished(self) -> None:
        """Count the files that were finished; keep those that are neither finished nor set aside."""
        paths = {*self._finished, *self.problems}
        finished = [feed for feed in self._pending if feed.input_file.path in self._finished]
        self._pending = [feed for feed in self._pending if feed.input_file.path not in paths]
        self._finished.clear()
        self._count(finished)

    def _read_as(self, known: dict[str, KnownInput]) -> list[FileFeed]:
        """Return the feeds; one that has a copy with the reading that the ledger knows is read like the copy."""
        patterns = {
            feed.input_file.digest: feed.pattern
            for feed in self._pending
            if (found := known.get(feed.input_file.digest)) and found.is_read_as(feed.reading)
        }
        return [
            replace(feed, pattern=patterns[feed.input_file.digest]) if feed.input_file.digest in patterns else feed
            for feed in self._pending
        ]

    def _next_step(self, feed: FileFeed, found: KnownInput | None) -> list[FileFeed] | Literal["skip", "refused"]:
        """Return the feeds that are to be landed, or that their content is to be skipped or was refused."""
        if found is None:
            return [feed]
        if found.is_read_as(feed.reading):
            return _unread_parts(feed, found) or "skip"
        if not found.landed and feed.input_file.digest not in self._replacing:
            return [replace(feed, start=START, replaces=found.input_id)]
        is_other_file = found.is_layout_given or found.name != feed.input_file.name
        if found.landed and not found.has_unread and is_other_file and not feed.is_layout_given:
            return "skip"
        self._set_aside(feed, _read_otherwise(feed, found))
        return "refused"

    def _report_changed(self, cursor: Cursor, source: str, known: Iterable[str]) -> None:
        """Log once each file that an earlier run landed in part and that has another content now."""
        new = {feed.input_file.name for feed in self._pending if feed.input_file.digest not in known}
        if new <= self._reported:
            return
        for name, next_position in sorted(find_unfinished(cursor, source, new - self._reported).items()):
            logger.warning(
                "%s was landed up to position %s by an earlier run and has changed since; it is read as a new file",
                name,
                next_position - 1,
            )
        self._reported |= new

    def _count(self, skipped: Iterable[FileFeed]) -> None:
        for feed in skipped:
            is_new = feed.input_file.digest in self._started
            self._started.discard(feed.input_file.digest)
            self.new_files += is_new
            self.known_files += not is_new

    def _set_aside(self, feed: FileFeed, problem: LoaderError) -> None:
        self.problems[feed.input_file.path] = problem


def _unread_parts(feed: FileFeed, found: KnownInput) -> list[FileFeed]:
    """Return feeds for what is left to read of a content: the undone ranges, and all from its next position on."""
    again = [replace(feed, start=group[0].start, undone=group, replaces=None) for group in join_ranges(found.undone)]
    return again if found.is_complete else [*again, replace(feed, start=found.next_position, replaces=None)]


def _read_otherwise(feed: FileFeed, found: KnownInput) -> LayoutChanged:
    name, before = feed.input_file.name, found.reading
    if not found.landed:
        return LayoutChanged(
            f"{name} was read as {before} by another load meanwhile: run again when that load has ended"
        )
    undo = f"`{shown_command(f'undo {shlex.quote(name)}')}`"
    if not found.has_unread:
        what, remedy = (
            f"was landed as {before} ({counted(found.landed, 'document')})",
            f"take it back first with {undo}",
        )
    else:
        finish = f"finish it with `{before.flags}`, or " if before.flags != feed.reading.flags else ""
        what, remedy = f"was landed in part as {before}", f"{finish}take it back first with {undo}"
    return LayoutChanged(f"{name} {what} and would now be read as {feed.reading}: {remedy}")
