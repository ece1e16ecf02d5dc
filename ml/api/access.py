"""Lets only requests with the API key through; if there is none, only those that name this machine."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from ml.api.problems import Problem

OPEN = "/health/live"  # for the health checks of containers and load balancers, which have no key
HOST = re.compile(r"(\[[^\]]+\]|[^\[\]:]+)(?::\d*)?")  # name or address, and a port
ASKED = {"www-authenticate": 'Bearer realm="waybill", Basic realm="waybill"'}


class RequireKey:
    """Passes on a request with `Authorization: Bearer KEY`, `X-API-Key: KEY` or the key as a password (Basic).

    A browser asks for the password, so that it can open the documentation.
    """

    def __init__(self, app: Any, key: str) -> None:
        """Guard an ASGI app."""
        self.app = app
        self._key = key.encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer 401 to a request without the key."""
        if scope["type"] == "http" and scope["path"] != OPEN and not self._is_known(scope["headers"]):
            detail = "send the key (WAYBILL_API_KEY) in the header X-API-Key, or as Authorization: Bearer KEY"
            await Problem(401, "no-key", detail, headers=ASKED).response(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_known(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        given = [_key_in(name, value) for name, value in headers if name in (b"x-api-key", b"authorization")]
        return any([hmac.compare_digest(key, self._key) for key in given])


class RequireLocalHost:
    """Passes on a request whose header Host is localhost, 127.0.0.0/8 or [::1], with any port.

    A web page may give its own name the address 127.0.0.1 (DNS rebinding): its scripts could then read every answer of
    an API without a key, in the browser of a user of this machine. The header then has the page's name.
    """

    def __init__(self, app: Any) -> None:
        """Guard an ASGI app."""
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer 421 to a request that names another host."""
        if scope["type"] == "http" and not _names_this_machine(scope["headers"]):
            detail = "without WAYBILL_API_KEY, the header Host must be localhost, 127.0.0.1 or [::1]"
            await Problem(421, "other-host", detail).response(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _names_this_machine(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    hosts = [value.decode("latin-1").strip() for name, value in headers if name == b"host"]
    return hosts != [] and all(map(_is_this_machine, hosts))


def _is_this_machine(host: str) -> bool:
    match = HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].lower()
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _key_in(name: bytes, value: bytes) -> bytes:
    """Return the key that a header gives, empty if it gives none."""
    if name == b"x-api-key":
        return value.strip()
    scheme, _, rest = value.strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return rest.strip()
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return b""
