"""Applies the difference between two generated JSON texts to a file that was changed: member by member."""

from __future__ import annotations

import json
from typing import Any

ABSENT = object()


class ConflictError(Exception):
    """Raised when the same value was changed on both sides."""


def merged_json(mine: str, before: str, after: str) -> str | None:
    """Return a JSON text with what differs from `before` to `after`; None if both changed the same value.

    None also if the text is not laid out as the generated ones are: a merge by lines changes less of it.
    """
    try:
        value = json.loads(mine)
        if _text(value) != mine:
            return None
        return _text(_merged(value, json.loads(before), json.loads(after)))
    except (ValueError, ConflictError):
        return None


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _merged(mine: Any, before: Any, after: Any) -> Any:
    if before == after:
        return mine
    if mine in (before, after) and type(mine) is type(after):
        return after
    if isinstance(mine, dict) and isinstance(after, dict):
        return _merged_members(mine, before if isinstance(before, dict) else {}, after)
    ours, old, new = (_by_id(value) for value in (mine, before, after))
    if ours is None or old is None or new is None:
        raise ConflictError
    return list(_merged_members(ours, old, new).values())


def _merged_members(mine: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return members in the order of `after`; what only `mine` has comes where it was."""
    found = {}
    for name in _in_order(list(mine), list(after)):
        values = [members.get(name, ABSENT) for members in (mine, before, after)]
        value = values[0] if values[1] == values[2] else _merged_value(*values)
        if value is not ABSENT:
            found[name] = value
    return found


def _merged_value(mine: Any, before: Any, after: Any) -> Any:
    if mine in (before, after):
        return after
    is_added_twice = before is ABSENT and isinstance(mine, dict) and isinstance(after, dict)
    if ABSENT in (mine, before, after) and not is_added_twice:
        raise ConflictError
    return _merged(mine, before, after)


def _in_order(mine: list[str], after: list[str]) -> list[str]:
    """Return all names: those of `after` in their order, each other one after the name that it follows in `mine`."""
    names = list(after)
    for position, name in enumerate(mine):
        if name not in names:
            before = mine[position - 1] if position else None
            names.insert(names.index(before) + 1 if before in names else 0, name)
    return names


def _by_id(value: Any) -> dict[str, Any] | None:
    """Return the elements of a list by their ids; None if they have none."""
    if not isinstance(value, list) or any(not isinstance(element, dict) or "id" not in element for element in value):
        return None
    return {element["id"]: element for element in value}
