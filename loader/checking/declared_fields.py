"""Checks that a source's contract knows the fields that its declaration points to, such as key and version."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from loader.checking.known_fields import KnownFields
from loader.declarations import Source
from loader.declared_types import DELIVERY, EVERY_FIELD
from loader.errors import SourceBroken
from waybill.json_pointers import ANY, join_pointer, split_pointer
from waybill.settings import relative_name

MAX_POINTERS = 1000  # that are compared with an unknown one
SCALARS = {"string", "integer", "number", "boolean"}
CONTAINERS = {"object", "array"}


def require_declared_fields(source: Source, fields: KnownFields) -> None:
    """Check each pointer of a declaration against the fields that its contract names.

    A contract that names no fields of an object says nothing about them: any pointer is accepted there.

    Raises:
        SourceBroken: the contract does not know the field, or it cannot hold a value that can be compared.
    """
    for role, pointer in _declared_pointers(source):
        may_be_child = role in ("missing_texts", "trimmed")  # `/rooms/*/number`: of each element
        problem = _problem(["0" if may_be_child and name == ANY else name for name in split_pointer(pointer)], fields)
        if problem:
            contract = relative_name(source.contract_path)
            raise SourceBroken(
                f"loader/sources/{source.source}.yml declares {role} {pointer}, and in {contract} {problem}"
            )


def _declared_pointers(source: Source) -> Iterator[tuple[str, str]]:
    yield from (("key", pointer) for pointer in source.key_pointers)
    if source.version != DELIVERY and not source.envelope_version:
        yield "version", source.version
    if source.withdrawn_when:
        yield "withdrawn_when.field", source.withdrawn_when.field
    texts = source.missing_texts if isinstance(source.missing_texts, dict) else ()
    for role, fields in (("missing_texts", texts), ("trimmed", source.trimmed)):
        yield from ((role, field) for field in fields if field != EVERY_FIELD)


def _problem(names: list[str], fields: KnownFields) -> str | None:
    """Return what is wrong with a pointer of these names; None if the contract knows its field."""
    *parents, value = fields.on_the_way(names)
    for depth, (parent, name) in enumerate(zip(parents, names, strict=True)):
        above = join_pointer(names[:depth]) or "the document"
        if parent.types and CONTAINERS.isdisjoint(parent.types):
            return f"{above} is not an object ({_any_of(parent.types)}): correct the pointer"
        if not parent.may_have(name):
            nearest = difflib.get_close_matches(join_pointer(names), fields.pointers(MAX_POINTERS), n=3, cutoff=0)
            return (
                f"no field {join_pointer(names[: depth + 1])} is named: correct the pointer (the nearest fields are "
                f"{', '.join(nearest)}), or add the field to the contract"
            )
    if value.types and SCALARS.isdisjoint(value.types):
        return f"it is not a single value ({_any_of(value.types)}): point to a text or a number"
    return None


def _any_of(types: set[str]) -> str:
    return " or ".join(sorted(types))
