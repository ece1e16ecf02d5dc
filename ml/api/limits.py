"""Reads the body of a request within its limits: type, bytes and time."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from ml.api.problems import Problem

BODY_SECONDS = 20.0
DISCARDED_BYTES = 8 * 1024 * 1024  # of a body that is too large, so that a client that is still sending sees the answer
CLOSING = {"connection": "close"}
ONCE_ENCODED = (None, "", "identity")


def require_json(request: Request) -> None:
    """Raise a Problem unless the body is declared as JSON that is not compressed."""
    headers = request.headers
    media_type = headers.get("content-type", "")
    if media_type.partition(";")[0].strip().lower() != "application/json":
        given = media_type[:60] or "nothing"
        raise Problem(415, "not-json", f"expected the header Content-Type: application/json, given {given}")
    if headers.get("content-encoding") not in ONCE_ENCODED:
        detail = "expected a body without Content-Encoding: send it uncompressed"
        raise Problem(415, "compressed", detail, headers={"accept-encoding": "identity"})


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body.

    Raises:
        Problem: it has more bytes (413), also without Content-Length, or takes too long (408).
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > max_bytes and "expect" in request.headers:
        raise _too_large(max_bytes)  # before the client sends it
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= max_bytes:
                    chunks.append(chunk)
                elif size > DISCARDED_BYTES:
                    break
    except TimeoutError:
        detail = f"the body did not arrive within {BODY_SECONDS:.0f} seconds"
        raise Problem(408, "too-slow", detail, headers=CLOSING) from None
    except ClientDisconnect:
        raise Problem(400, "disconnected", "the client closed the connection") from None
    if size > max_bytes:
        raise _too_large(max_bytes)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(max_bytes: int) -> Problem:
    detail = f"the body has more than {max_bytes:,} bytes (WAYBILL_API_MAX_BYTES): send fewer rows a request"
    return Problem(413, "too-large", detail, headers=CLOSING)
