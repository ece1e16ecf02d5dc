"""JSON pointers (RFC 6901): `/a/b~1c` names the member `b/c` of the member `a`.

Two things are added to the RFC: `*` means any element of an array or any member of a map, so a member whose name really
is `*` is written `~2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

POINTER = re.compile(
    r"(/(~2|([^~/]|~[01])*))+"
)  # of a member: the empty pointer, for the whole document, does not match
ANY = "\0"  # among names: any element or member. No document has a member of this name, since PostgreSQL refuses it


def split_pointer(pointer: str) -> list[str]:
    """Return the names in a pointer, unescaped; none for the empty pointer, which names the whole document."""
    return [_unescaped(name) for name in pointer.split("/")[1:]]


def join_pointer(names: Iterable[str | int]) -> str:
    """Return the pointer that leads through these names and list indexes."""
    return "".join("/*" if name == ANY else f"/{escape_name(str(name))}" for name in names)


def with_pointer(detail: str, pointer: str | None) -> str:
    """Return what is wrong with a document, with the pointer to where it is wrong, if there is one."""
    return f"{detail} at {pointer}" if pointer else detail


def escape_name(name: str) -> str:
    """Return the name of a member as it is written in a pointer."""
    return "~2" if name == "*" else name.replace("~", "~0").replace("/", "~1")


def _unescaped(name: str) -> str:
    special = {"*": ANY, "~2": "*"}
    return special.get(name) or name.replace("~1", "/").replace("~0", "~")
