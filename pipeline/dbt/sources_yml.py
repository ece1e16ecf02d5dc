"""Passes the declared sources to dbt: writes one file `_raw_<source>.yml` for each, below `dbt_project/models`.

A declaration in `loader/sources` is the only place that states a source's key, version, missing texts and withdrawal.
The generated files are committed, so that dbt works without Python and a change is seen in review.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loader.checking.contracts import read_contract
from loader.declarations import SOURCES, Source, read_source, source_names
from pipeline.dbt.sources_files import (
    Content,
    declares_only,
    models_folder,
    raw_source,
    raw_table,
    read_content,
    shared_file,
    source_file,
    source_files,
    source_of,
    without_raw,
)
from pipeline.errors import DeclarationsChanged
from waybill.atomic_files import write_atomic
from waybill.cli import shown_command
from waybill.declared.yaml_files import dumped
from waybill.project.file_tags import read_tag, with_tag_of
from waybill.settings import relative_name

HEADER = """\
# Generated from loader/sources/{source}.yml by `waybill sources --write`. Key, version, missing texts, withdrawal,
# freshness and the description are changed there. Columns, tests and tags that you add to the table here are kept;
# comments are not.
"""
COLUMNS = [
    {"name": "_batch_id", "description": "{{ doc('batch_id') }}"},
    {"name": "_position", "description": "{{ doc('position') }}"},
    {"name": "_fingerprint", "description": "{{ doc('fingerprint') }}"},
    {"name": "document", "description": "{{ doc('document') }}"},
]
MESSAGE_KEY = {"name": "_message_key", "description": "{{ doc('message_key') }}"}


def changed_files() -> list[Path]:
    """Return the generated files that differ from the declarations, those of removed sources and the shared file.

    Raises:
        DeclarationsChanged: an existing file cannot be read, or a source has two.
        SourceBroken: a declaration or its contract cannot be used.
    """
    return list(_changes())


def require_current() -> None:
    """Check that the generated files match the declarations of the sources that have models.

    A source without models stops nothing: its documents land and are counted as not modelled.

    Raises:
        DeclarationsChanged: a generated file differs from the declarations, or a source with models is not declared.
    """
    if undeclared := sorted(set(_sources_with_models()) - set(source_names())):
        names = ", ".join(undeclared)
        raise DeclarationsChanged(
            f"dbt_project/models has models of {names}, which loader/sources does not declare: restore the "
            f"declaration, or delete these models and run `{shown_command('sources --write')}`"
        )
    modelled = set(modelled_sources())
    changed = [path for path in changed_files() if path == shared_file() or source_of(path) in modelled]
    if changed:
        names = " and ".join(relative_name(path) for path in changed)
        raise DeclarationsChanged(
            f"{names} {'differ' if len(changed) > 1 else 'differs'} from the declarations in loader/sources: "
            f"run `{shown_command('sources --write')}`"
        )


def write_files() -> list[Path]:
    """Rewrite or remove the generated files that differ from the declarations and return their paths."""
    changes = _changes()
    for path, content in changes.items():
        if content is None:
            path.unlink()
        elif path == shared_file():
            write_atomic(path, dumped(content))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, _with_tag(path, file_text(source_of(path), content)))
    return list(changes)


def redefined_sources() -> list[str]:
    """Return the modelled sources whose documents dbt reads by another declaration than the present one."""
    tables = {name: _existing_table(name) for name in modelled_sources()}
    return [
        name
        for name, table in tables.items()
        if table and _reading(table.get("config", {}).get("meta", {})) != _reading(_declaration(read_source(name)))
    ]


def modelled_sources() -> list[str]:
    """Return the declared sources whose outcomes dbt models."""
    models = _sources_with_models()
    return [name for name in source_names() if name in models]


def source_text(source: Source) -> str | None:
    """Return the text that the file of a source must have, None if what it says already is the same."""
    path = source_file(source.source)
    existing = read_content(path)
    wanted = _content(source, _with_shared(existing, read_content(shared_file()), source.source))
    return None if wanted == existing else _with_tag(path, file_text(source.source, wanted))


def source_yml(source: Source) -> str:
    """Return the text of the file of a source that has none yet."""
    return file_text(source.source, _content(source, {}))


def _with_tag(path: Path, text: str) -> str:
    """Return the new text of a source's file with the tag that the file has, or else that of the declaration."""
    for tagged in (path, SOURCES / f"{source_of(path)}.yml"):
        if tagged.exists() and read_tag(before := tagged.read_text(encoding="utf-8")):
            return with_tag_of(path.name, text, before)
    return text


def file_text(name: str, content: Content) -> str:
    """Return the text of a source's file with this content."""
    return HEADER.format(source=name) + dumped(content, width=120)


def _content(source: Source, before: Content) -> Content:
    """Return the content of a source's file; what a user has added to the table of an existing one is kept."""
    raw = raw_source(before)
    others = [table for table in raw.get("tables") or [] if table.get("name") != source.source]
    return {
        "version": 2,
        **{name: value for name, value in before.items() if name not in ("version", "sources")},
        "sources": [
            {
                **raw,
                "name": "raw",
                "schema": "raw",
                "description": "Documents as delivered, landed with their batch, position and fingerprint.",
                "tables": [_table(source, raw_table(before, source.source)), *others],
            },
            *(entry for entry in before.get("sources") or [] if entry.get("name") != "raw"),
        ],
    }


def _changes() -> dict[Path, Content | None]:
    """Return the content that each file that differs has to have, None for one that has to go."""
    shared = read_content(shared_file())
    changes: dict[Path, Content | None] = {}
    for name in source_names():
        source = read_source(name)
        read_contract(source)  # stops if the contract does not know a declared field
        path = source_file(name)
        existing = read_content(path)
        wanted = _content(source, _with_shared(existing, shared, name))
        if wanted != existing:
            changes[path] = wanted
    for name, paths in source_files().items():
        if name not in source_names():
            changes |= {path: None for path in paths if declares_only(read_content(path), name)}
    if raw_source(shared):
        changes[shared_file()] = without_raw(shared) or None
    return changes


def _with_shared(own: Content, shared: Content, name: str) -> Content:
    """Add to the content of a source's file what the shared file of older versions says about the source."""
    table = raw_table(shared, name)
    if not table:
        return own
    raw = {**raw_source(shared), **raw_source(own), "tables": [{**raw_table(own, name), **table}]}
    return {**own, "sources": [raw, *(entry for entry in own.get("sources") or [] if entry.get("name") != "raw")]}


def _existing_table(name: str) -> Content:
    return raw_table(read_content(shared_file()), name) or raw_table(read_content(source_file(name)), name)


def _sources_with_models() -> list[str]:
    models = models_folder().rglob("int_*_outcomes.sql")
    return [path.stem.removeprefix("int_").removesuffix("_outcomes") for path in models]


def _table(source: Source, existing: Mapping[str, Any]) -> dict[str, Any]:
    config = {name: value for name, value in (existing.get("config") or {}).items() if name != "freshness"}
    config["meta"] = _declaration(source)
    config["loaded_at_query"] = (
        f"select max(committed_at) from ledger.batches where source = '{source.source}' and landed > 0"
        " and batch_id not in (select batch_id from ledger.undone_batches)"
    )
    if source.fresh_days:
        config["freshness"] = {"warn_after": {"count": source.fresh_days, "period": "day"}}
    columns = existing.get("columns") or [dict(column) for column in COLUMNS]
    if source.tombstone and all(column.get("name") != MESSAGE_KEY["name"] for column in columns):
        columns = [*columns, dict(MESSAGE_KEY)]
    generated = {
        "name": source.source,
        "description": f"One row per landed document. {source.description}",
        "config": config,
        "columns": columns,
    }
    return {**generated, **{name: value for name, value in existing.items() if name not in generated}}


def _reading(declaration: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides how documents are read: `carried` and `left_out` only say what became of them."""
    return {name: value for name, value in declaration.items() if name not in ("carried", "left_out")}


def _declaration(source: Source) -> dict[str, Any]:
    fields = {"key", "version", "missing_texts", "trimmed", "withdrawn_when", "tombstone", "carried", "left_out"}
    declared: dict[str, Any] = _literal(source.model_dump(mode="json", include=fields, exclude_defaults=True))
    return declared


def _literal(value: Any) -> Any:
    """Return a value as dbt reads it back: dbt renders the texts of meta, and a path may contain `{{` or `{%`."""
    if isinstance(value, dict):
        return {name: _literal(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_literal(member) for member in value]
    return re.sub(r"\{(?=[{%#])", "{{ '{' }}", value) if isinstance(value, str) else value
