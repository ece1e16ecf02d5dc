"""Lands one source's files: resumes where earlier runs stopped, and continues until all documents are landed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.errors import LayoutChanged, LoaderError
from loader.landing.batch import FileBatch
from loader.landing.chunks import chunks
from loader.landing.feeds import FileFeed
from loader.landing.file_positions import FilePositions
from loader.landing.known_inputs import find_known_inputs, find_unfinished, record_skipped
from loader.landing.land import land
from loader.landing.prefetch import prefetched
from loader.reading.input_files import STANDARD_INPUT

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
        self._reported: set[str] = {STANDARD_INPUT}  # standard input has another content each time it is read
        self.new_files = 0
        self.known_files = 0
        self.problems: dict[Path, LoaderError] = {}

    def finish(self, connection: Connection) -> None:
        """Land all documents that are not landed yet.

        Another loader may land some of the batches meanwhile, so this repeats until the ledger has all files complete.
        """
        while feeds := self._find_unlanded(connection):
            with prefetched(chunks(feeds, self._chunk_bytes, self._set_aside)) as ready:
                for chunk in ready:
                    for batch in land(connection, chunk, FilePositions()):
                        self._on_landed(batch)
                    self._on_chunk()

    def _find_unlanded(self, connection: Connection) -> list[FileFeed]:
        """Return one feed for each content that is not completely landed, starting at its next position.

        Contents that are complete in the ledger are recorded as skipped.
        """
        self._pending = [feed for feed in self._pending if feed.input_file.path not in self.problems]
        if not self._pending:
            return []
        source = self._pending[0].source.source
        with connection, connection.cursor() as cursor:
            known = find_known_inputs(cursor, source, {feed.input_file.digest for feed in self._pending})
            self._report_changed(cursor, source, known.keys())
            complete = {digest for digest, found in known.items() if found.is_complete}
            skipped = [feed for feed in self._pending if feed.input_file.digest in complete]
            record_skipped(cursor, skipped, known)
        self._count(skipped)
        self._pending = [feed for feed in self._pending if feed.input_file.digest not in complete]
        unlanded: dict[str, FileFeed] = {}
        for feed in self._pending:
            digest = feed.input_file.digest
            found = known.get(digest)
            if found and found.layout != feed.pattern.layout:
                self._set_aside(feed, _layout_changed(feed, found.layout))
            else:
                unlanded.setdefault(digest, replace(feed, start=found.next_position) if found else feed)
        self._started.update(unlanded)
        return list(unlanded.values())

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


def _layout_changed(feed: FileFeed, before: str) -> LayoutChanged:
    name = feed.input_file.name
    return LayoutChanged(
        f"{name} was landed in part as {before}, and the rest of it would now be read as {feed.pattern.layout}:"
        f" finish it with `--layout {before}`"
    )
