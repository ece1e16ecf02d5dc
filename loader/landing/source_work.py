"""Lands what the ledger does not hold yet of one source's files, whoever else is at it, until nothing is left."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from loader.errors import LayoutChanged, LoaderError
from loader.landing.ahead import running_ahead
from loader.landing.batch import FileFeed
from loader.landing.chunks import chunks
from loader.landing.claims import known_inputs, skip, unfinished
from loader.landing.land import land
from loader.progress import OnLanded
from loader.reading.inputs import STANDARD_INPUT

logger = logging.getLogger(__name__)


class SourceWork:
    """What is left to land of one source; it can be taken up again after any failure, the ledger says where."""

    def __init__(
        self, deliveries: list[FileFeed], chunk_bytes: int, on_landed: OnLanded, on_chunk: Callable[[], None]
    ) -> None:
        """Take what is to be landed, how much at a time, and who is told of parts and chunks."""
        self._pending = deliveries
        self._chunk_bytes = chunk_bytes
        self._on_landed = on_landed
        self._on_chunk = on_chunk
        self._begun: set[str] = set()
        self._told: set[str] = {STANDARD_INPUT}  # which is another content whenever it is read
        self.new_files = 0
        self.known_files = 0
        self.problems: dict[Path, LoaderError] = {}

    def finish(self, connection: Connection) -> None:
        """Land round by round until nothing is left: in a round another loader may take parts, but not all for ever."""
        while to_land := self._left(connection):
            with running_ahead(chunks(to_land, self._chunk_bytes, self._set_aside)) as ready:
                for chunk in ready:
                    for part in land(connection, chunk):
                        self._on_landed(part)
                    self._on_chunk()

    def _left(self, connection: Connection) -> list[FileFeed]:
        """Return what the ledger does not hold whole, each content once, from where it stands; skip what it holds."""
        self._pending = [delivery for delivery in self._pending if delivery.input_file.path not in self.problems]
        if not self._pending:
            return []
        source = self._pending[0].source.source
        with connection, connection.cursor() as cursor:
            known = known_inputs(cursor, source, {delivery.input_file.digest for delivery in self._pending})
            self._tell_changed(cursor, source, known.keys())
            whole = {digest for digest, found in known.items() if found.is_complete}
            held = [delivery for delivery in self._pending if delivery.input_file.digest in whole]
            skip(cursor, [(delivery, known[delivery.input_file.digest].input_id) for delivery in held])
        self._count(held)
        self._pending = [delivery for delivery in self._pending if delivery.input_file.digest not in whole]
        to_land: dict[str, FileFeed] = {}
        for delivery in self._pending:
            digest = delivery.input_file.digest
            found = known.get(digest)
            if found and found.layout != delivery.pattern.layout:
                self._set_aside(delivery, _layout_changed(delivery, found.layout))
            else:
                to_land.setdefault(digest, replace(delivery, start=found.next_place) if found else delivery)
        self._begun.update(to_land)
        return list(to_land.values())

    def _tell_changed(self, cursor: Cursor, source: str, known: Iterable[str]) -> None:
        """Say once of which files an earlier run landed a part, before they became what they are now."""
        new = {delivery.input_file.name for delivery in self._pending if delivery.input_file.digest not in known}
        if new <= self._told:
            return
        for name, next_position in sorted(unfinished(cursor, source, new - self._told).items()):
            logger.warning(
                "%s was landed up to position %s by an earlier run and has changed since; it is read as a new file",
                name,
                next_position - 1,
            )
        self._told |= new

    def _count(self, held: Iterable[FileFeed]) -> None:
        for delivery in held:
            is_new = delivery.input_file.digest in self._begun
            self._begun.discard(delivery.input_file.digest)
            self.new_files += is_new
            self.known_files += not is_new

    def _set_aside(self, delivery: FileFeed, problem: LoaderError) -> None:
        self.problems[delivery.input_file.path] = problem


def _layout_changed(delivery: FileFeed, before: str) -> LayoutChanged:
    name = delivery.input_file.name
    return LayoutChanged(
        f"{name} was landed in part as {before} and would be read on as {delivery.pattern.layout}:"
        f" finish it with `--layout {before}`"
    )
