"""Sources as a user models them: from their documents to all files, and from the files to marts and an export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import pipeline.export.export
from loader.landing.raw_tables import make_raw_tables
from loader.load import load
from loader.plan import Request
from pipeline.export import shapes
from pipeline.export.export import export
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.design import Design
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profiling import profile
from pipeline.modelling.project_files import project_files
from tests.support.dbt_command import failures
from tests.support.own_sources.compared_documents import dumped, exactly
from tests.support.own_sources.project import OwnProject

Documents = Sequence[Mapping[str, Any]]


class ModelledSources:
    """A project in a temporary folder with the files of some sources, and the documents that they were made from."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        sources: Mapping[str, Documents],
        designs: Mapping[str, Design] | None = None,
    ) -> None:
        """Write the documents, model them unless designs are given, and write the files."""
        self.folder = folder
        self.designs = {source: designed(source, documents, folder) for source, documents in sources.items()}
        self.designs |= designs or {}
        self.project = OwnProject(folder, monkeypatch)
        export_to(folder / "exports", monkeypatch)
        for one in self.designs.values():
            self._add(one)

    def build(self) -> None:
        """Load the documents and build the marts; nothing may fail."""
        make_raw_tables()
        for source in self.designs:
            load(Request((source,), (str(self.folder / f"{source}.ndjson"),), "ndjson"))
        built = self.project.run("build")
        assert built.success, built.exception or failures(built)

    def _add(self, one: Design) -> None:
        models = {}
        for path, content in project_files(one).items():
            place = Path(path)
            if place.parts[0] == "dbt_project":
                models[str(place.relative_to("dbt_project/models"))] = content
            elif place.parts[0] == "loader":
                (self.project.sources / place.name).write_text(content)
            elif "export" in place.parts:
                (self.folder / "exports" / place.name).write_text(content)
        self.project.add_models(models)


def designed(source: str, documents: Documents, folder: Path) -> Design:
    """Write documents to a file, and return how they are modelled."""
    file = folder / f"{source}.ndjson"
    file.write_bytes(b"".join(dumped(document) + b"\n" for document in documents))
    return design(profile(source, [file], layout="ndjson"), source, Flags())


def export_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read shapes and schemas in a folder from now on, and export to it."""
    folder.mkdir(exist_ok=True)
    monkeypatch.setattr(shapes, "SHAPES", folder)
    monkeypatch.setattr(pipeline.export.export, "SCHEMAS", folder)
    monkeypatch.setenv("WAYBILL_PROCESSED", str(folder))


def exported(folder: Path, *designs: Design) -> dict[str, list[Any]]:
    """Export, and return the documents of each design's source."""
    export()
    return {one.source: exactly((folder / f"{one.mart(one.root)}.json").read_bytes()) for one in designs}
