"""Changes the declaration and contract of a source that has landed already, so that they fit its generated models."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from loader.declarations import CONTRACTS, SOURCES, Source
from pipeline.dbt.sources_yml import source_yml
from pipeline.modelling.project_files import tagged
from waybill.declared.yaml_files import dumped
from waybill.project.file_tags import without_tag
from waybill.settings import PROJECT

GENERATED = ("key", "version", "carried", "left_out")  # what the new text decides; the rest of the old one is kept


@dataclass(frozen=True)
class Adoption:
    """Path -> text of what models a source that has landed.

    `changed` has declaration and contract as far as they differ from the existing files, `generated` the dbt source,
    which `waybill sources --write` makes from the declaration, `added` everything else.
    """

    changed: dict[str, str]
    generated: dict[str, str]
    added: dict[str, str]


def fit_to_declaration(source: Source, files: Mapping[str, str]) -> Adoption:
    """Fit the files of a design, without tags, to the declaration of a source that exists; return them with tags.

    The declaration keeps its description, topic, file patterns, missing texts and everything else that the user wrote.
    """
    declaration = _name(SOURCES / f"{source.source}.yml")
    contract = _name(CONTRACTS / f"{source.source}.schema.json")
    wanted = {declaration: _merged(PROJECT / declaration, files[declaration]), contract: files[contract]}
    raw = next(name for name in files if name.endswith(f"/_raw_{source.source}.yml"))
    declared = Source.model_validate(yaml.safe_load(wanted[declaration]))
    changed = {name: text for name, text in wanted.items() if without_tag(_text(PROJECT / name)) != text}
    return Adoption(
        changed=tagged(source.source, changed),
        generated=tagged(source.source, {raw: source_yml(declared)}),
        added=tagged(source.source, {name: text for name, text in files.items() if name not in (*wanted, raw)}),
    )


def diff_lines(changed: Mapping[str, str]) -> Iterator[str]:
    """Yield the changes as unified diffs, which `git apply` takes."""
    for name, text in changed.items():
        before = _text(PROJECT / name)
        origin = f"a/{name}" if before else "/dev/null"
        lines = difflib.unified_diff(before.splitlines(), text.splitlines(), origin, f"b/{name}", lineterm="")
        yield from lines


def with_declared_fields(source: str, generated: str) -> str:
    """Return a generated declaration with what only the existing one says: description, topic, contract and others."""
    path = SOURCES / f"{source}.yml"
    existing: dict[str, Any] = yaml.safe_load(_text(path)) or {}
    text = _merged(path, generated)
    is_own = existing["contract"] == f"{source}.schema.json"
    return text if is_own else _with_field(text, "contract", existing["contract"])


def _merged(path: Path, generated: str) -> str:
    """Return the generated declaration with what only the existing one says."""
    existing: dict[str, Any] = yaml.safe_load(_text(path)) or {}
    new: dict[str, Any] = yaml.safe_load(generated)
    if existing.get("description") not in (None, new.get("description")):
        generated = _with_field(generated, "description", existing["description"])
    kept = {
        name: value
        for name, value in existing.items()
        if name not in (*GENERATED, "description", "contract") and new.get(name) != value
    }
    for name in kept.keys() & new.keys():
        generated = _with_field(generated, name, kept.pop(name))
    return generated + _dumped(kept) if kept else generated


def _with_field(text: str, name: str, value: Any) -> str:
    """Return a declaration in which a field at the top has another value."""
    field = re.compile(rf"^{re.escape(name)}:.*\n(?:[ -].*\n)*", re.M)
    return field.sub(lambda _: _dumped({name: value}), text, count=1)


def _dumped(fields: dict[str, Any]) -> str:
    return dumped(fields, width=110)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _name(path: Path) -> str:
    return str(path.relative_to(PROJECT))
