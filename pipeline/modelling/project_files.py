"""All files of a designed source, from the modules that write one kind each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

from pipeline.errors import ModellingRefused
from pipeline.modelling.design import Design
from pipeline.modelling.writing import contract, declaration, export, intermediate, marts, source_yml, staging, suites
from warehouse.dbt_login import DBT_PROJECT
from waybill.project.file_tags import with_source_tag

WRITERS: tuple[Callable[[Design], dict[str, str]], ...] = (
    declaration.files,
    contract.files,
    source_yml.files,
    staging.files,
    intermediate.files,
    marts.files,
    export.files,
    suites.files,
)


def project_files(design: Design) -> dict[str, str]:
    """Return path relative to the project -> text with its tag, in the order of the paths.

    Raises:
        ModellingRefused: another source has a model of the same name, which dbt would refuse.
    """
    return tagged(design.source, plain_files(design))


def tagged(source: str, files: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a source with the tag that says whose they are and whether they are edited later."""
    return {name: with_source_tag(name, text, source) for name, text in files.items()}


def plain_files(design: Design) -> dict[str, str]:
    """Return the same files without tags.

    Raises:
        ModellingRefused: another source has a model of the same name, which dbt would refuse.
    """
    files: dict[str, str] = {}
    for write in WRITERS:
        files |= write(design)
    _require_free_models(design.source, files)
    return dict(sorted(files.items()))


def _require_free_models(source: str, files: Iterable[str]) -> None:
    new = {PurePosixPath(name).stem: name for name in files if name.endswith(".sql")}
    for path in sorted((DBT_PROJECT / "models").rglob("*.sql")):
        name = str(PurePosixPath(DBT_PROJECT.name, *path.relative_to(DBT_PROJECT).parts))
        if new.get(path.stem, name) != name:
            raise ModellingRefused(
                f"{source} would have a model {path.stem}, which exists in {name}: choose another name for the source, "
                "or name the table with --table PATH=name"
            )
