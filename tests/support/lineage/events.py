"""Reads OpenLineage events back, with the classes of OpenLineage's own client."""

from __future__ import annotations

import enum
import importlib
import json
import pkgutil
import types
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.openlineage.switch import send_events
from waybill.observing.work import listen_with
from waybill.settings import get_settings

Event = dict[str, Any]


def read_events(file: Path | None = None) -> list[Event]:
    """Return the events of a file; by default of that which the settings name."""
    path = file or get_settings().openlineage_file
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def events_sent() -> Iterator[None]:
    """Send events about the work of this process during the block, as a command does."""
    send_events()
    try:
        yield
    finally:
        listen_with(None)


def states(events: list[Event]) -> dict[str, list[str]]:
    """Return job → the states of its runs, in their order."""
    found: dict[str, list[str]] = {}
    for event in events:
        found.setdefault(event["job"]["name"], []).append(event["eventType"])
    return found


def last_of(events: list[Event], job: str) -> Event:
    """Return the last event of a job."""
    return [event for event in events if event["job"]["name"] == job][-1]


def rows_written(event: Event) -> dict[str, int | None]:
    """Return schema and table → the rows that were written, by the statistics of an event's outputs."""
    return {
        output["name"].partition(".")[2]: output["outputFacets"].get("outputStatistics", {}).get("rowCount")
        for output in event["outputs"]
    }


def parsed(event: Event) -> Event:
    """Build an event again from its JSON, each facet with the client's class for its schema; return its JSON.

    Raises:
        KeyError, TypeError, ValueError: the client's classes do not accept it.
    """
    from openlineage.client.event_v2 import RunEvent
    from openlineage.client.serde import Serde

    return Serde.to_dict(_build(RunEvent, event))


def without_empty(value: Any) -> Any:
    """Return JSON without empty lists and objects, which the client's classes have where an event has nothing."""
    if isinstance(value, dict):
        return {name: kept for name, one in value.items() if (kept := without_empty(one)) not in ([], {})}
    return [without_empty(one) for one in value] if isinstance(value, list) else value


@cache
def _facets() -> dict[str, type]:
    """Return address of a schema → the client's class for it."""
    import attr
    import openlineage.client.generated as generated

    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        content = importlib.import_module(f"{generated.__name__}.{module.name}")
        found |= {
            item._get_schema(): item
            for item in vars(content).values()
            if isinstance(item, type) and attr.has(item) and hasattr(item, "_get_schema")
        }
    return found


def _build(kind: Any, value: Any) -> Any:
    import attr

    if isinstance(value, dict) and "_schemaURL" in value:
        kind = _facets()[value["_schemaURL"]]
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _build(next(one for one in arguments if one is not type(None)), value)
    if origin is list:
        return [_build(arguments[0], one) for one in value]
    if origin is dict:
        return {name: _build(arguments[1], one) for name, one in value.items()}
    if isinstance(kind, type) and attr.has(kind):
        hints = typing.get_type_hints(kind)
        given = {name: _build(hints[name], one) for name, one in value.items() if name.lower() != "_schemaurl"}
        given.pop("schemaURL", None)
        return kind(**{name.lstrip("_"): one for name, one in given.items()})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if kind is not Any and not isinstance(value, kind):
        raise TypeError(f"{value!r} is not {kind}")
    return value
