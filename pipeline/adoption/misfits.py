"""Lists what the documents of a source hold that its files do not fit, each in one line with what to do."""

from __future__ import annotations

from sqlalchemy import Connection

from pipeline.adoption.repeated_keys import list_repeated_keys
from pipeline.adoption.uncastable import list_uncastable

MOST_LINES = 5


def list_misfits(connection: Connection) -> list[str]:
    """Return a line for each field with uncastable values, and for each source that repeats a key."""
    return [str(one) for one in (*list_uncastable(connection), *list_repeated_keys(connection))]


def describe_misfits(connection: Connection) -> list[str]:
    """Return the first lines for the end of a run, and how many more there are."""
    lines = list_misfits(connection)
    more = [f"and {len(lines) - MOST_LINES} more, see the report"] if len(lines) > MOST_LINES else []
    return [*lines[:MOST_LINES], *more]
