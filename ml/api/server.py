"""Listens at an address and runs the app, until a signal ends it: the requests that arrived are still answered."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ml.api.errors import AddressRefused, KeyRequired
from waybill import ctrl_c
from waybill.cli import shown_command

BACKLOG = 512
MAX_CONNECTIONS = 512
HEADER_SECONDS = 10.0
HEADER_BYTES = 32 * 1024
KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 10


class PatientProtocol(HttpToolsProtocol):  # type: ignore[misc]
    """HTTP/1.1 with limits for the headers of a request: so many bytes, and so many seconds from its first one."""

    _timer: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin with a request."""
        self._stop_timer()
        self._start_timer()
        self._header_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the path."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand on the request."""
        self._stop_timer()
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > HEADER_BYTES:
            raise ValueError("the headers are too large")  # the parser refuses the request

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class ApiServer(uvicorn.Server):  # type: ignore[misc]
    """uvicorn that reports when it listens, and that a first signal ends in order and a second one at once."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        """Call `on_start` once the server listens."""
        super().__init__(config)
        self.should_exit: bool = False
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report it."""
        await super().startup(sockets)
        self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while the server runs; one that is ignored stays ignored."""
        before = {number: signal.getsignal(number) for number in ctrl_c.SIGNALS}
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: object) -> None:
        if self.should_exit:
            ctrl_c.exit_now(number)
        self.should_exit = True


def listen(host: str, port: int, *, has_key: bool) -> socket.socket:
    """Return a socket that listens at an address.

    Raises:
        KeyRequired: other machines can reach the address, and there is no key.
        AddressRefused: the port is taken, or the host is not an address of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise AddressRefused(f"cannot listen on {host}: {error}; name an address of this machine with --host") from None
    if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback and not has_key:
        raise KeyRequired(
            f"other machines could reach {host}, so WAYBILL_API_KEY must be set: `make env` generates a key; "
            "or use the host 127.0.0.1"
        )
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressRefused(
            f"cannot listen on {shown_address(host, port)}: {error.strerror}; choose another with --host and --port, "
            f"or end what listens there (`{shown_command('serve --port 0')}` finds a free port)"
        ) from None
    return listener


def shown_address(host: str, port: int) -> str:
    """Return host and port as a URL has them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def run_server(app: Any, listener: socket.socket, on_start: Callable[[], None]) -> None:
    """Serve the app at a socket until a signal ends it."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=PatientProtocol,
        ws="none",
        log_config=None,
        log_level="error",  # a client's mistake deserves no warning
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    ApiServer(config, on_start).run([listener])
