"""JSON pointers (RFC 6901): `/a/b~1c` names the member `b/c` of the member `a`."""

from __future__ import annotations

import re
from collections.abc import Iterable

POINTER = re.compile(r"(/([^~/]|~[01])*)+")  # of a member: the empty pointer, for the whole document, does not match


def split_pointer(pointer: str) -> list[str]:
    """Return the names in a pointer, unescaped; none for the empty pointer, which names the whole document."""
    return [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:]]


def join_pointer(names: Iterable[str | int]) -> str:
    """Return the pointer that leads through these names and list indexes."""
    return "".join(f"/{escape_name(str(name))}" for name in names)


def with_pointer(detail: str, pointer: str | None) -> str:
    """Return what is wrong with a document, with the pointer to where it is wrong, if there is one."""
    return f"{detail} at {pointer}" if pointer else detail


def escape_name(name: str) -> str:
    """Return a name as it is written in a pointer."""
    return name.replace("~", "~0").replace("/", "~1")
