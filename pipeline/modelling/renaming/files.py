"""Works out how the project's files change when a source is renamed, and what cannot be changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.errors import ModellingRefused
from pipeline.modelling.removing.owned_files import OwnedFiles
from pipeline.modelling.renaming.macro_arguments import source_arguments
from pipeline.modelling.renaming.names import MAX_NAME_BYTES, Renaming
from pipeline.modelling.renaming.texts import mentioning, rewritten

OTHERS = {  # folder -> endings of the files in it that can name a source or its models
    "dbt_project": (".sql", ".yml", ".yaml"),
    "ml/tasks": (".yml",),
    "notebooks": (".ipynb",),
    "expectations/context/assets": (".yml",),
    "pipeline/export/shapes": (".yml",),
    "loader/sources": (".yml",),
}
UNREAD = ("dbt_project/target/", "dbt_project/logs/")
SHOWN = 5


@dataclass(frozen=True)
class FileChange:
    """Path -> text of the files to add and to replace, and the paths of those to remove."""

    added: dict[str, str]
    replaced: dict[str, str]
    removed: list[str]


def file_change(project: Path, owned: OwnedFiles, renaming: Renaming) -> FileChange:
    """Return how the files change.

    Raises:
        ModellingRefused: a new name is taken or too long, or a file names the source where only a person can change it.
    """
    _require_free(project, owned, renaming)
    macros = source_arguments(project / "dbt_project" / "macros")
    added, replaced, removed = {}, {}, []
    after: dict[str, str] = {}
    for name in owned.names:
        path, text = renaming.path(name), _text(project / name)
        after[path] = rewritten(name, text, renaming, macros)
        if path != name:
            added[path] = after[path]
            removed.append(name)
        elif after[path] != text:
            replaced[path] = after[path]
    for name in _others(project, owned.names):
        text = _text(project / name)
        after[name] = mentioning(text, renaming, macros)
        if after[name] != text:
            replaced[name] = after[name]
    _require_complete(after, renaming)
    return FileChange(added, replaced, removed)


def _require_free(project: Path, owned: OwnedFiles, renaming: Renaming) -> None:
    existing = {path.stem: path for path in sorted((project / "dbt_project/models").rglob("*.sql"))}
    for name in renaming.models.values():
        if name in existing:
            raise ModellingRefused(
                f"{_name(project, existing[name])} exists: choose another name for {owned.source}; nothing was changed"
            )
    names = [*renaming.models.values(), *renaming.columns.values()]
    if long := [name for name in names if len(name.encode()) > MAX_NAME_BYTES]:
        raise ModellingRefused(
            f"{long[0]} is longer than the {MAX_NAME_BYTES} bytes that PostgreSQL allows: choose a shorter name for "
            f"{owned.source}; nothing was changed"
        )
    for column in renaming.columns.values():
        for name in owned.names:
            if re.search(rf"(?<!\w){column}(?!\w)", _text(project / name)):
                raise ModellingRefused(f"{name} has a {column} already: choose another name; nothing was changed")


def _others(project: Path, own: list[str]) -> Iterator[str]:
    for folder, endings in OTHERS.items():
        for path in sorted((project / folder).rglob("*")):
            name = _name(project, path)
            if path.is_file() and name.endswith(endings) and name not in own and not name.startswith(UNREAD):
                yield name


def _require_complete(after: dict[str, str], renaming: Renaming) -> None:
    """Check that no text names the source any more in a way that only a person can judge.

    In models and tests, what is left is a field or a value of the documents with the same name.
    """
    literal = re.compile(rf"(['\"]){re.escape(renaming.old)}\1")
    key = re.compile(rf"^\s*\+?{re.escape(renaming.old)}:", re.MULTILINE)
    left = []
    for name, text in after.items():
        is_macro, is_project = name.startswith("dbt_project/macros/"), name == "dbt_project/dbt_project.yml"
        if (is_macro and literal.search(text)) or (is_project and key.search(text)):
            left.append(name)
    if left:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        raise ModellingRefused(
            f"{', '.join(left[:SHOWN])}{more}: {renaming.old!r} may mean something else there: change it by hand; "
            "nothing was changed"
        )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _name(project: Path, path: Path) -> str:
    return str(PurePosixPath(path.relative_to(project)))
