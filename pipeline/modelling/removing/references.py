"""What refers to the models of a source, in files that do not belong to it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.errors import ModellingRefused
from waybill.project.file_tags import SAMPLE, read_tag

PLACES = {  # folder -> endings of the files in it that can refer to a model
    "dbt_project/models": (".sql", ".yml", ".yaml"),
    "dbt_project/tests": (".sql", ".yml", ".yaml"),
    "dbt_project/macros": (".sql",),
    "dbt_project/snapshots": (".sql", ".yml", ".yaml"),
    "dbt_project/analyses": (".sql",),
    "ml/tasks": (".yml",),
    "expectations/context/assets": (".yml",),
    "pipeline/export/shapes": (".yml",),
    "loader/sources": (".yml",),
}
SHOWN = 5


@dataclass(frozen=True)
class Reference:
    """A file that refers to a model, or to a raw table, and the source that owns the file, if it has a tag."""

    file: str
    name: str
    owner: str | None

    @property
    def shown(self) -> str:
        """What a message says about it."""
        owner = f"source {self.owner}: " if self.owner not in (None, SAMPLE) else ""
        return f"{owner}{self.file} uses {self.name}"


def require_unreferenced(project: Path, source: str, files: Collection[str], models: Collection[str]) -> None:
    """Check that no other file of the project uses a source or its models.

    Raises:
        ModellingRefused: some do.
    """
    found = list(references(project, source, files, models))
    if found:
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise ModellingRefused(
            f"{source} is in use: {'; '.join(one.shown for one in found[:SHOWN])}{more}: change or remove these first; "
            "nothing was removed"
        )


def references(project: Path, source: str, files: Collection[str], models: Collection[str]) -> Iterator[Reference]:
    """Yield each file outside of `files` that uses one of the models, the raw table or the declaration of a source."""
    uses = _pattern(source, models)
    for path in _readable(project):
        name = str(PurePosixPath(path.relative_to(project)))
        if name in files:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if found := uses.search(text):
            tag = read_tag(text)
            used = next(group for group in found.groups() if group)
            yield Reference(name, used, tag.owner if tag else None)


def _readable(project: Path) -> Iterator[Path]:
    for folder, endings in PLACES.items():
        paths = sorted((project / folder).rglob("*"))
        yield from (path for path in paths if path.name.endswith(endings) and path.is_file())


def _pattern(source: str, models: Collection[str]) -> re.Pattern[str]:
    """Return what finds an exact name: a model's anywhere, the source's where only a source can be meant."""
    names = "|".join(sorted(map(re.escape, models), key=len, reverse=True))
    quoted = rf"['\"]({names})['\"]"
    qualified = rf"\b(?:staging|intermediate|marts)\.['\"]?({names})(?!\w)"
    value = rf"(?:\b(?:refers_to|model|table|name):[ ]*|^[ ]*-[ ]+)({names})[ ]*(?:[,}}#].*)?$"
    member = rf"^[ ]*({names}):"
    of_models = (quoted, qualified, value, member) if names else ()
    raw = rf"\braw\.({source})(?!\w)"
    dbt_source = rf"\bsource\(\s*['\"]raw['\"]\s*,\s*['\"]({source})['\"]"
    macro = rf"\b(?:run_documents|source_declaration|source_outcomes)\(\s*['\"]({source})['\"]"
    argument = rf"\bsource(?:_name)?:[ ]*['\"]?({source})['\"]?[ ]*(?:[,}}#].*)?$"
    return re.compile("|".join((*of_models, raw, dbt_source, macro, argument)), re.MULTILINE)
