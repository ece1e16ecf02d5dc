"""Reads how a source is modelled from its files: the declaration, the staging models' types and the marts' tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

from loader.declarations import Source, no_source, read_source, source_names
from loader.declared_types import Computed, Members, NameOf, NumberOf
from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.deciding.structure.wrappers import WRAPPERS
from pipeline.modelling.design import Reference
from waybill.cli import shown_command
from waybill.json_pointers import ANY, split_pointer
from waybill.project.file_tags import read_tag
from waybill.settings import PROJECT

MODELS = "dbt_project/models"
MADE = "# Made by `waybill new {source}`"  # also in the declarations of older versions
TYPES = re.compile(r"\{%-? set types = \{\n(?P<entries>.*?)^\} %\}", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"""^    '(?P<name>(?:[^'\\]|\\.)*)': '(?P<type>[^']*)',$""", re.MULTILINE)
BY_HAND = (
    "has models that were written by hand: add each field to its contract, staging model, mart and `carried` as "
    "docs/own-data.md describes, then run `{sources}`"
)


@dataclass(frozen=True)
class KnownColumn:
    """A column that a mart has already. `values` are those that its tests accept."""

    name: str
    path: Names
    type: str
    values: tuple[str, ...] = ()
    reference: Reference | None = None

    @property
    def wrapper(self) -> Names:
        """The members of the export wrapper that the path ends in."""
        length = 2 if self.path[-2:-1] == ("$date",) else 1 if self.path[-1:] and self.path[-1] in WRAPPERS else 0
        return self.path[len(self.path) - length :] if length else ()


@dataclass(frozen=True)
class KnownTable:
    """A mart that exists: `path` leads to the array or map; `others` are the fields that `other_fields` holds.

    `computed` are the paths that a column computes which the user added.
    """

    suffix: str
    kind: Literal["document", "array", "map"]
    path: Names
    own_key: str
    columns: tuple[KnownColumn, ...]
    others: tuple[Names, ...] = ()
    computed: tuple[Names, ...] = ()

    @property
    def element_path(self) -> Names:
        """The path of what a row is made from."""
        return self.path if self.kind == "document" else (*self.path, ANY)


@dataclass(frozen=True)
class Existing:
    """How a source is modelled: its declaration and its marts, those of the documents first."""

    declared: Source
    tables: tuple[KnownTable, ...]
    is_dimension: bool

    @cached_property
    def columns(self) -> Mapping[Names, KnownColumn]:
        """The columns of all marts by path."""
        return {column.path: column for table in self.tables for column in table.columns}


def read_existing(name: str) -> Existing:
    """Return how a source is modelled.

    Raises:
        ModellingRefused: the source is unknown, has no models, or they were not made by `waybill new`.
    """
    if name not in source_names():
        reason = no_source() or f"the declared ones are: {', '.join(source_names())}"
        raise ModellingRefused(f"there is no source {name}; {reason}")
    source = read_source(name)
    if not source.carried and not list((PROJECT / MODELS).rglob(f"stg_{name}.sql")):
        new = shown_command(f"new {name} --from-raw --write-declaration")
        raise ModellingRefused(f"{name} has no models to add fields to: make them with `{new}`")
    root = next((mart for mart in source.carried if mart in (f"fct_{name}", f"dim_{name}")), None)
    others = [mart for mart in source.carried if root is None or not f"{mart}_".startswith(f"{root}_")]
    if not _is_made_by_new(name) or root is None or others:
        raise ModellingRefused(f"{name} {BY_HAND.format(sources=shown_command('sources --write'))}")
    tables = [_table(source, mart, root) for mart in source.carried]
    ordered = sorted(tables, key=lambda table: (table.kind != "document", len(table.path), table.path))
    return Existing(source, tuple(ordered), root.startswith("dim_"))


def _is_made_by_new(source: str) -> bool:
    """Return True if the declaration or the staging model of a source was written by `waybill new`."""
    for name in (f"loader/sources/{source}.yml", f"{MODELS}/staging/{source}/stg_{source}.sql"):
        path = PROJECT / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        tag = read_tag(text)
        if MADE.format(source=source) in text or (tag is not None and tag.owner == source):
            return True
    return False


def _table(source: Source, mart: str, root: str) -> KnownTable:
    entries = source.carried[mart]
    own = next(((name, held) for name, held in entries.items() if isinstance(held, NumberOf | NameOf)), None)
    if (own is None) != (mart == root):
        raise ModellingRefused(f"{source.source} {BY_HAND.format(sources=shown_command('sources --write'))}")
    kind: Literal["document", "array", "map"] = "document"
    path: Names = ()
    if own:
        kind = "array" if isinstance(own[1], NumberOf) else "map"
        path = tuple(split_pointer(own[1].number_of if isinstance(own[1], NumberOf) else own[1].name_of))[:-1]
    suffix = mart.removeprefix(root).removeprefix("_")
    staging = "_".join(filter(None, ("stg", source.source, suffix)))
    types = _types(_read(f"{MODELS}/staging/{source.source}/{staging}.sql", source))
    tests = _tests(_read(f"{MODELS}/marts/{source.source}/{mart}.yml", source))
    plain = {name: held for name, held in entries.items() if isinstance(held, str)}
    return KnownTable(
        suffix,
        kind,
        path,
        own[0] if own else "",
        tuple(
            KnownColumn(name, tuple(split_pointer(held)), types.get(name, "text"), *_tested(mart, tests.get(name, {})))
            for name, held in plain.items()
        ),
        tuple(_names(entries, Members)),
        tuple(_names(entries, Computed)),
    )


def _names(entries: Mapping[str, Any], kind: type[Members] | type[Computed]) -> Iterator[Names]:
    """Yield the paths of values that share a column: of `other_fields`, or of columns that the user computes."""
    for held in entries.values():
        if isinstance(held, kind):
            paths = held.members if isinstance(held, Members) else held.paths
            yield from (tuple(split_pointer(path)) for path in paths)


def _read(name: str, source: Source) -> str:
    try:
        return (PROJECT / Path(name)).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ModellingRefused(f"{name} is missing: restore it, since `carried` of {source.source} names it") from None


def _types(staging: str) -> dict[str, str]:
    """Return column -> type of a staging model; texts have none."""
    found = TYPES.search(staging)
    entries = ENTRY.finditer(found["entries"]) if found else ()
    return {re.sub(r"\\(.)", r"\1", entry["name"]): entry["type"] for entry in entries}


def _tests(text: str) -> dict[str, dict[str, Any]]:
    """Return column -> its block in the description of a mart."""
    models = (yaml.safe_load(text) or {}).get("models") or [{}]
    return {column["name"]: column for column in models[0].get("columns") or []}


def _tested(mart: str, column: Mapping[str, Any]) -> tuple[tuple[str, ...], Reference | None]:
    """Return the accepted values of a column, and the mart that it refers to."""
    tests = [test for test in column.get("data_tests") or () if isinstance(test, dict)]
    accepted: dict[str, Any] = next((test["accepted_values"] for test in tests if "accepted_values" in test), {})
    values = tuple(str(value) for value in accepted.get("arguments", {}).get("values", ()))
    refers_to = ((column.get("config") or {}).get("meta") or {}).get("refers_to")
    related = [test["relationships"] for test in tests if "relationships" in test]
    named = next((test for test in related if str(test.get("name")).endswith(f"_is_in_{refers_to}")), None)
    if not refers_to or named is None:
        return values, None
    is_dimension = (named.get("config") or {}).get("severity") != "warn"
    return values, Reference(refers_to, named["arguments"]["field"], is_dimension, values=0, orphans=0)
