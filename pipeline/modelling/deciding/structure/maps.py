"""Finds objects whose member names are data, such as `{"2024-01-01": 5, "2024-01-02": 7}`: they become a table.

The rule counts and never looks at an order. An object is a map if its values are alike (scalars of one kind, arrays, or
objects that share most of their names) and one of these is true:

- it has at least 20 different names, of which one object has a quarter or fewer on average;
- it has at least 8 different names that all look like data (numbers, dates, UUIDs, long hexadecimal ids), of which one
  object has half or fewer on average;
- it has more than 200 different names.

The document itself is never a map, and neither is an object with a name of more than 200 characters.
"""

from __future__ import annotations

import re

from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.structure.merging import merged
from pipeline.modelling.profiling.profile import MAX_MEMBERS, Node

MIN_NAMES, MAX_SHARE = 20, 0.25
MIN_DATA_NAMES, MAX_DATA_SHARE = 8, 0.5
MANY_NAMES = 200
MAX_NAME = 200  # characters of a member's name, which is part of a primary key
MIN_SHARED = 0.5  # of the names of two maps' values: how many one value has on average
DATA_NAME = re.compile(r"-?\d[\d.:/_TZ+-]*|[0-9A-Fa-f]{16,}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
GROUPS = {"integer": "number", "decimal": "number", "empty object": "object", "empty array": "array"}


def member_values(node: Node) -> Node | None:
    """Return one node for the values of all members of the objects at a node; None if they have none."""
    if node.is_collapsed:
        return node.any_member
    return merged(node.members[name] for name in sorted(node.members)) if node.members else None


def map_evidence(node: Node) -> str | None:
    """Return the numbers that make the objects at a node a map; None if they are not one."""
    objects, names = node.kinds["object"], len(node.members)
    if any(len(name) > MAX_NAME for name in node.members):
        return None
    if not objects or not (node.is_collapsed or names >= MIN_DATA_NAMES):
        return None
    average = node.member_counts / objects
    names = MAX_MEMBERS + 1 if node.is_collapsed else names
    looks_like_data = not node.is_collapsed and all(DATA_NAME.fullmatch(name) for name in node.members)
    is_map = (
        names > MANY_NAMES
        or (names >= MIN_NAMES and average <= MAX_SHARE * names)
        or (looks_like_data and average <= MAX_DATA_SHARE * names)
    )
    values = member_values(node) if is_map else None
    if values is None or not is_alike(values):
        return None
    many = f"more than {MAX_MEMBERS:,}" if node.is_collapsed else f"{names:,}"
    return f"{many} different names, {average:.1f} per object on average, values alike ({_group(values)})"


def require_few_names(root: Node, source: str) -> None:
    """Check that the names in the documents themselves are not data.

    Raises:
        ModellingRefused: each document holds many others under names that are data, or there are too many names.
    """
    names = MAX_MEMBERS + 1 if root.is_collapsed else len(root.members)
    many = f"more than {MAX_MEMBERS:,}" if root.is_collapsed else f"{names:,}"
    values = member_values(root)
    is_large = root.member_counts > MANY_NAMES * root.kinds["object"]
    if names > MANY_NAMES and is_large and values is not None and _group(values) == "object":
        raise ModellingRefused(
            f"{source}: a document has {many} names with an object below each, so they are many documents: write them "
            f"one a line, `jq -c 'to_entries[] | {{name: .key}} + .value' FILE > {source}.ndjson`, and name that file"
        )
    if root.is_collapsed:
        raise ModellingRefused(
            f"{source}: the documents have {many} different names, too many for columns: put those that are data into "
            "an object of their documents, or split the documents by kind"
        )


def is_alike(values: Node) -> bool:
    """Return True if the values of a map's members are of one kind, and objects among them share most names."""
    group = _group(values)
    if group == "object":
        if values.is_collapsed:
            return True
        objects = values.kinds["object"]
        is_shared = objects > 0 and values.member_counts / objects >= MIN_SHARED * len(values.members)
        return is_shared or map_evidence(values) is not None
    return group is not None


def _group(values: Node) -> str | None:
    """Return the one kind of all values but null, numbers counted as one kind; None if there are several or none."""
    groups = {GROUPS.get(kind, kind) for kind, count in values.kinds.items() if count and kind != "null"}
    return groups.pop() if len(groups) == 1 else None
