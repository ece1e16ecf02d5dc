"""Which files of the project belong to a source: those with its tag, and those with the names of its conventions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from waybill.project.file_tags import SAMPLE, read_tag, tagged_files

MODELS = "dbt_project/models"
ASSETS = "expectations/context/assets"
SUITES = "expectations/context/suites"


@dataclass(frozen=True)
class OwnedFiles:
    """The files of a source, by their paths from the project. The source need not be declared any more."""

    project: Path
    source: str

    @cached_property
    def declaration(self) -> dict[str, Any]:
        """What the declaration says, valid or not; empty if there is none."""
        return _mapping(self.project / "loader" / "sources" / f"{self.source}.yml")

    @cached_property
    def marts(self) -> tuple[str, ...]:
        """The marts that the declaration names."""
        carried = self.declaration.get("carried")
        return tuple(map(str, carried)) if isinstance(carried, dict) else ()

    @cached_property
    def names(self) -> list[str]:
        """The paths of all its files."""
        is_named_like_the_sample = self.source == SAMPLE  # a declaration that was written by hand
        tagged = set() if is_named_like_the_sample else set(tagged_files(self.project, self.source))
        conventional = {name for name in self._conventional() if not self._is_of_another(name)}
        return sorted(tagged | conventional)

    @property
    def models(self) -> list[str]:
        """The names of its dbt models."""
        paths = map(PurePosixPath, self.names)
        return sorted(path.stem for path in paths if path.suffix == ".sql" and path.is_relative_to(MODELS))

    def _conventional(self) -> Iterator[str]:
        """Yield the existing files that the declaration or the exact names of the conventions lead to."""
        files = [f"loader/sources/{self.source}.yml", *self._contract()]
        for mart in self.marts:
            files += [f"pipeline/export/shapes/{mart}.yml", f"pipeline/export/schemas/{mart}.schema.json"]
        yield from (name for name in files if (self.project / name).is_file())
        for stem in (f"_raw_{self.source}", *self._model_names()):
            for suffix in (".sql", ".yml"):
                yield from self._found(MODELS, f"{stem}{suffix}")
        for path in sorted((self.project / ASSETS).glob("*.yml")):
            asset = _mapping(path)
            is_raw = asset.get("edge") == "raw"
            if asset.get("source") == self.source and (is_raw or path.stem in self.marts):
                yield self._name(path)
                yield from self._found(SUITES, f"{path.stem}.json")

    def _model_names(self) -> Iterator[str]:
        yield from (f"stg_{self.source}", f"int_{self.source}_deduplicated", f"int_{self.source}_outcomes")
        for mart in self.marts:
            yield mart
            _, _, rest = mart.partition("_")
            if rest.startswith(f"{self.source}_"):
                yield f"stg_{rest}"

    def _contract(self) -> Iterator[str]:
        """Yield the contract, unless another source has the same one."""
        contract = self.declaration.get("contract")
        others = (self.project / "loader" / "sources").glob("*.yml")
        shared = {_mapping(path).get("contract") for path in others if path.stem != self.source}
        if isinstance(contract, str) and contract not in shared:
            yield f"loader/contracts/{contract}"

    def _found(self, folder: str, name: str) -> Iterator[str]:
        """Yield the files of exactly this name: it comes from a user, and is not a pattern."""
        paths = sorted((self.project / folder).rglob("*"))
        yield from (self._name(path) for path in paths if path.name == name and path.is_file())

    def _name(self, path: Path) -> str:
        return str(PurePosixPath(path.relative_to(self.project)))

    def _is_of_another(self, name: str) -> bool:
        tag = read_tag((self.project / name).read_text(encoding="utf-8", errors="replace"))
        return tag is not None and tag.owner not in (SAMPLE, self.source)


def _mapping(path: Path) -> dict[str, Any]:
    """Return a YAML file's mapping, empty if there is none or it cannot be read."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}
