"""Reads the documents of a source's files without landing them, for the producer, which sends them to a topic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from loader.declarations import Source
from loader.plan import Request, plan_source
from loader.reading.byte_ranges import START, Reject
from loader.reading.framing import frames
from loader.reading.input_files import spooled_standard_input
from loader.reading.streams import open_stream
from waybill.settings import get_settings


def read_documents(source: Source, files: tuple[str, ...]) -> Iterator[tuple[str, bytes | None]]:
    """Yield coordinate and bytes of each document in order; None instead of the bytes of a reject.

    Raises:
        LoaderError: a file cannot be used.
    """
    with ExitStack() as stack:
        request = Request((source.source,), files)
        plan = plan_source(
            source.source, request, get_settings(), lambda: stack.enter_context(spooled_standard_input())
        )
        for feed in plan.feeds:
            name = feed.input_file.name
            with open_stream(feed.input_file) as stream:
                for frame in frames(stream, feed.pattern, feed.max_bytes, START):
                    if isinstance(frame, Reject):
                        yield f"{name}:{frame.position}", None
                    else:
                        yield f"{name}:{frame[0]}", frame[2]
