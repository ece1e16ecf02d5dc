"""Checks the pointers that a user gives to `waybill adopt` against what has landed and what is adopted already."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from pipeline.errors import ModellingRefused
from pipeline.modelling.adopting.conflicts import node_at
from pipeline.modelling.adopting.existing import Existing
from pipeline.modelling.profiling.profile import Node
from waybill.cli import shown_command
from waybill.json_pointers import ANY, POINTER, join_pointer, split_pointer

MOST_PATHS = 20_000  # that are compared with a pointer to suggest a similar one


def check_pointers(pointers: tuple[str, ...], existing: Existing, root: Node) -> None:
    """Check that each pointer leads to something.

    Raises:
        ModellingRefused: no landed document has it and no column either, or only what is above it is left out.
    """
    declared = existing.declared
    for pointer in pointers:
        if not POINTER.fullmatch(pointer):
            advice = f"/{pointer.strip('/') or 'name'}"
            raise ModellingRefused(
                f"{pointer} is not a JSON pointer: write {advice}, with `*` for the elements of arrays"
            )
        names = tuple(split_pointer(pointer))
        above = next((path for path in declared.left_out if pointer.startswith(f"{path}/")), None)
        if above:
            adopt = shown_command(f"adopt {declared.source} {above}")
            raise ModellingRefused(f"{pointer} is below {above}, which is left out as a whole: adopt that, `{adopt}`")
        is_known = names in existing.columns or any(table.path == names for table in existing.tables)
        if not is_known and node_at(root, names) is None:
            raise ModellingRefused(
                f"no landed document of {declared.source} has {pointer}; {_advice(pointer, root, existing)}"
            )


def _advice(pointer: str, root: Node, existing: Existing) -> str:
    known = []
    for path in _paths(root, ()):
        known.append(path)
        if len(known) == MOST_PATHS:
            break
    close = get_close_matches(pointer, sorted(known), n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"`{shown_command(f'drift {existing.declared.source}')}` lists the fields that no contract names"


def _paths(node: Node, names: tuple[str, ...]) -> Iterator[str]:
    for name, member in node.members.items():
        yield join_pointer((*names, name))
        yield from _paths(member, (*names, name))
    for every in (node.elements, node.any_member):
        if every is not None:
            yield join_pointer((*names, ANY))
            yield from _paths(every, (*names, ANY))
