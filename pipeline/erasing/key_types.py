"""Finds the types of a key's fields, with which dbt makes the column `document_key` of a source's staging model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import ChainableUndefined, Environment

from loader.declarations import Source
from loader.erasing.keys import TEXT, KeyTypes, text_key_types

MAKES_KEY = "document_key("


class _Returned(Exception):
    """Raised by `return` in a macro, which ends it."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class _Anything(ChainableUndefined):
    """What a model calls and what is not needed here: every call, member and text of it is nothing."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self


def find_key_types(source: Source, nodes: Mapping[str, Any], macros: Mapping[str, Any]) -> KeyTypes:
    """Return pointer and dbt type of each field of a source's key; all are texts if no model makes such a key.

    Nothing if the documents' values are the keys. `nodes` and `macros` are those of dbt's manifest.
    """
    for node in nodes.values():
        if MAKES_KEY in (code := getattr(node, "raw_code", "")) and source.source in code:
            for name, fields, types in _calls(code, {macro.name: macro.macro_sql for macro in macros.values()}):
                if name == source.source:
                    by_pointer = {pointer: types.get(column, TEXT) for column, pointer in fields.items()}
                    return [(pointer, by_pointer.get(pointer, TEXT)) for pointer in source.key_pointers]
    return text_key_types(source)


def _calls(code: str, macros: Mapping[str, str]) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """Return source, fields and types of each call of `document_key` in a model, whose other calls return nothing."""
    found: list[tuple[str, dict[str, str], dict[str, str]]] = []

    def document_key(source_name: str, fields: Any, types: Any = None) -> str:
        found.append((source_name, dict(fields or {}), dict(types or {})))
        return ""

    environment = Environment(undefined=_Anything, extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701
    constants = {name: _constant(environment, text) for name, text in macros.items() if f"{name}()" in code}
    environment.from_string(code).render(document_key=document_key, **constants)
    return found


def _constant(environment: Environment, macro: str) -> Callable[[], Any]:
    """Return a function for a macro without arguments that returns a constant, such as types."""

    def returning(value: Any) -> None:
        raise _Returned(value)

    def call() -> Any:
        body = macro.partition("%}")[2].rpartition("{%")[0]
        try:
            environment.from_string(body).render({"return": returning})
        except _Returned as returned:
            return returned.value
        return {}

    return call
