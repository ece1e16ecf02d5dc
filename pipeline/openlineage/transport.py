"""Takes events to a file, one a line, or to the backend that OpenLineage's own variables name."""

from __future__ import annotations

import logging
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import set_producer
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import HttpConfig, HttpTransport
from openlineage.client.transport.noop import NoopConfig, NoopTransport
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from pipeline.openlineage.events import PRODUCER, build_event
from pipeline.openlineage.journal import journal_folder
from pipeline.openlineage.sender import reason_of
from pipeline.openlineage.state_changes import StateChange
from pipeline.openlineage.warehouse_reader import WarehouseReader
from waybill.file_lock import file_lock
from waybill.settings import Settings

MAX_BYTES = 64 * 1024 * 1024  # of the file; a longer one gets the suffix .1, and the one before it is deleted
TOO_TALKATIVE = ("openlineage", "urllib3.connectionpool")  # they log each attempt; the sender logs the sum


class ClientTransport:
    """OpenLineage's client with its transport. Commands that write to one file take turns."""

    def __init__(self, settings: Settings) -> None:
        """Open the transport; nothing is sent yet."""
        for name in TOO_TALKATIVE:
            if not os.environ.get("OPENLINEAGE_CLIENT_LOGGING"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
        set_producer(PRODUCER)
        self.reason: str | None = None
        self._reader = WarehouseReader()
        self._client, self._file = open_client(settings)
        if isinstance(self._client.transport, HttpTransport):
            self._note_retries(self._client.transport)
        self._lock = journal_folder(settings) / "file.lock"

    def send(self, change: StateChange) -> None:
        """Build the event and send it.

        Raises:
            Exception: of the client; the event is lost.
        """
        self.reason = None
        event = build_event(change, self._reader)
        with file_lock(self._lock) if self._file else nullcontext():
            if self._file:
                _prepare(self._file)
            self._client.emit(event)

    def _note_retries(self, http: HttpTransport) -> None:
        """Note why each attempt failed: the client's retries take longer than a process waits at its end."""
        transport = self

        class NotedRetry(Retry):
            def increment(self, *given: Any, **named: Any) -> Self:
                response, error = named.get("response"), named.get("error")
                transport.reason = f"the backend answered {response.status}" if response else error and reason_of(error)
                return super().increment(*given, **named)

        http.session.mount(http.url, HTTPAdapter(max_retries=NotedRetry(**http.config.retry)))

    def release(self) -> None:
        """Release the connection to the warehouse."""
        self._reader.close()


def open_client(settings: Settings) -> tuple[OpenLineageClient, Path | None]:
    """Return the client, and the file that it writes to; None if it sends events elsewhere.

    A transport of OpenLineage's own configuration has precedence, then OPENLINEAGE_URL, then the file.
    """
    configured = OpenLineageClient(transport=NoopTransport(NoopConfig())).config.transport
    if configured and configured.get("type"):
        return OpenLineageClient(), None
    if settings.openlineage_url:
        return OpenLineageClient(transport=HttpTransport(HttpConfig.from_dict(_http(settings)))), None
    file = settings.openlineage_file
    return OpenLineageClient(transport=FileTransport(FileConfig(str(file), append=True))), file


def _http(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {"url": settings.openlineage_url}
    if endpoint := os.environ.get("OPENLINEAGE_ENDPOINT"):
        options["endpoint"] = endpoint
    if settings.openlineage_api_key:
        options["auth"] = {"type": "api_key", "apiKey": settings.openlineage_api_key.get_secret_value()}
    return options


def _prepare(file: Path) -> None:
    """Make the folder; rename a file that is too long; remove a last line that a killed process has not finished."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        if file.stat().st_size > MAX_BYTES:
            file.replace(file.with_name(f"{file.name}.1"))
            return
        with file.open("rb+") as handle:
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(size - 1, 0))
            if size and handle.read(1) != b"\n":
                handle.seek(0)
                handle.truncate(handle.read().rfind(b"\n") + 1)
    except FileNotFoundError:
        return
