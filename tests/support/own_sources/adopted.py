"""A modelled source in a folder, and what `waybill adopt` makes of its files, without a database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

import loader.declarations
from pipeline.dbt import sources_files
from pipeline.modelling import declaration_patch
from pipeline.modelling.adopting import adopt_source, comments, existing
from pipeline.modelling.adopting.existing import read_existing
from pipeline.modelling.adopting.files import changes
from pipeline.modelling.adopting.files.changes import Changes, add_dbt_source, file_changes
from pipeline.modelling.adopting.named import named_paths
from pipeline.modelling.adopting.pointers import check_pointers
from pipeline.modelling.adopting.redesign import Landed, Redesign, redesign
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.design import Design
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profile import Profile
from pipeline.modelling.profiling.profiling import profile
from pipeline.modelling.project_files import project_files
from tests.support.own_sources.compared_documents import dumped

Documents = Iterable[Mapping[str, Any]]
NONE = Flags()


class AdoptingProject:
    """The files of one source, made from documents; all that landed is given again to `adopt`."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, source: str = "orders") -> None:
        """Let the engine read and write the files of a source in the folder from now on."""
        self.folder, self.source = folder, source
        for module in (adopt_source, changes, existing, declaration_patch):
            patch.setattr(module, "PROJECT", folder, raising=False)
        for module in (loader.declarations, declaration_patch, comments):
            patch.setattr(module, "SOURCES", folder / "loader" / "sources", raising=False)
            patch.setattr(module, "CONTRACTS", folder / "loader" / "contracts", raising=False)
        patch.setattr(sources_files, "DBT_PROJECT", folder / "dbt_project")
        patch.setattr(changes, "relative_name", lambda path: str(path.relative_to(folder)))

    def new(self, documents: Documents, flags: Flags = NONE) -> Design:
        """Model the documents, and write all files."""
        made = design(self._profile(documents), self.source, flags)
        for name, text in project_files(made).items():
            self.path(name).parent.mkdir(parents=True, exist_ok=True)
            self.path(name).write_text(text, encoding="utf-8")
        return made

    def path(self, name: str) -> Path:
        """Return the path of a file of the project."""
        return self.folder / name

    def text(self, name: str) -> str:
        """Return the text of a file of the project."""
        return self.path(name).read_text(encoding="utf-8")

    def files(self) -> dict[str, str]:
        """Return all files of the project."""
        paths = (path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".ndjson")
        return {str(path.relative_to(self.folder)): path.read_text(encoding="utf-8") for path in sorted(paths)}

    def decide(self, documents: Documents, *pointers: str, flags: Flags = NONE) -> tuple[Redesign, Changes]:
        """Return both designs and the changes of the files."""
        found = read_existing(self.source)
        seen = self._profile(documents)
        check_pointers(pointers, found, seen.root)
        made = redesign(found, Landed(seen, [], lambda paths: {}), named_paths(pointers, flags), flags)
        before, after = (adopt_source._files(found, one) for one in (made.before, made.after))
        changed = file_changes(self.source, before, after, is_all=not pointers)
        add_dbt_source(changed, found.declared)
        return made, changed

    def adopt(self, documents: Documents, *pointers: str, flags: Flags = NONE) -> Redesign:
        """Adopt, and write the files, none of which may be edited."""
        made, changed = self.decide(documents, *pointers, flags=flags)
        assert not changed.is_blocked, changed
        for name, text in (changed.added | changed.replaced).items():
            self.path(name).parent.mkdir(parents=True, exist_ok=True)
            self.path(name).write_text(text, encoding="utf-8")
        for name in changed.removed:
            self.path(name).unlink()
        return made

    def carried(self) -> dict[str, dict[str, Any]]:
        """Return mart → column → path, as the declaration has it."""
        return {
            mart: {column: json.loads(json.dumps(held, default=dict)) for column, held in columns.items()}
            for mart, columns in read_existing(self.source).declared.carried.items()
        }

    def _profile(self, documents: Documents) -> Profile:
        file = self.folder / f"{self.source}.ndjson"
        file.write_bytes(b"".join(dumped(document) + b"\n" for document in documents))
        return profile(self.source, [file], layout="ndjson")


def names(made: Design) -> dict[str, list[str]]:
    """Return mart → its columns."""
    return {made.mart(table): [column.name for column in table.columns] for table in made.tables}
