"""Checks files as a load does, without writing anything; a PostgreSQL that is running is asked what it would refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import psycopg2
from psycopg2.extensions import connection as Connection

from loader.checking.checker import RejectReason
from loader.landing.batch import FileBatch
from loader.landing.chunks import batches
from loader.landing.unstorable import reject_unstorable
from loader.plan import SourcePlan
from loader.reading.byte_ranges import Reject
from loader.tallies import FileWithRejects, LoadResult, Tally
from warehouse.connection import check_encoding, check_version, current_warehouse, login_parameters, open_connection
from warehouse.errors import WarehouseError
from waybill.backoff import is_transient
from waybill.settings import get_settings

OnReject = Callable[[str, Reject], None]


def dry_run(plans: Iterable[SourcePlan], on_reject: OnReject) -> LoadResult:
    """Frame and check all documents; those that pass count as landed. Call `on_reject` with file name and reject.

    Without a server that can be asked, the number of landed documents is an upper bound.
    """
    result = LoadResult()
    server = _RunningServer()
    try:
        for plan in plans:
            tally = result.tallies[plan.source.source] = Tally()
            for feed in plan.feeds:
                result.new_files += 1
                landed, rejected = tally.landed, tally.rejected
                first: RejectReason | None = None
                for batch in batches(feed, get_settings().waybill_chunk_bytes):
                    server.reject_unstorable(batch)
                    _count(tally, batch)
                    for reject in batch.rejects:
                        on_reject(feed.input_file.name, reject)
                        first = first or reject.reason
                if first:
                    counts = (tally.rejected - rejected, f"{first.code}: {first.detail}", tally.landed - landed)
                    result.with_rejects.append(FileWithRejects(plan.source.source, feed.input_file.name, *counts))
    finally:
        server.close()
    result.is_upper_bound = not server.was_asked
    return result


def _count(tally: Tally, batch: FileBatch) -> None:
    tally.landed += batch.landed
    tally.rejected += len(batch.rejects)
    tally.read = tally.landed + tally.rejected
    for reject in batch.rejects:
        tally.reasons[reject.reason.code] = tally.reasons.get(reject.reason.code, 0) + 1


class _RunningServer:
    """The server that the settings name, if it answers. It is not started, and nothing is created in it."""

    def __init__(self) -> None:
        self._connection = _connect()
        self.was_asked = self._connection is not None

    def reject_unstorable(self, batch: FileBatch) -> None:
        """Turn the documents that PostgreSQL refuses into rejects, as long as the server answers."""
        if self._connection is None:
            return
        try:
            with self._connection, self._connection.cursor() as cursor:
                reject_unstorable(cursor, [batch])
        except psycopg2.Error as error:
            if not is_transient(error):
                raise
            self.close()
            self.was_asked = False

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect() -> Connection | None:
    """Connect to a database that exists already, before the first load too; None if no server can be asked."""
    try:
        warehouse = current_warehouse()
        existing = "postgres" if warehouse.server else None
        connection = open_connection(login_parameters(warehouse, "owner", database=existing))
    except WarehouseError:
        return None
    try:
        check_version(connection.server_version)
        check_encoding(connection.get_parameter_status("server_encoding"), warehouse)
    except WarehouseError:
        connection.close()
        return None
    return connection
