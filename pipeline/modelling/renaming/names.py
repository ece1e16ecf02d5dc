"""What is named after a source, and what its name becomes: models, assets, the key column, paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from loader.declared_types import VALUE
from pipeline.modelling.removing.owned_files import ASSETS, OwnedFiles

MAX_NAME_BYTES = 63  # of PostgreSQL
PREFIXES = "stg|int|fct|dim|raw|_raw"
FOLDERS_OF_NAMES = ("loader/sources", "loader/contracts")


@dataclass(frozen=True)
class Renaming:
    """The old and the new name of a source, and old name -> new name of everything that is named after it.

    `models` are dbt's, `assets` those of the expectations, `columns` the key column where the key is the value.
    """

    old: str
    new: str
    models: dict[str, str]
    assets: dict[str, str]
    columns: dict[str, str]

    @classmethod
    def of(cls, owned: OwnedFiles, new: str) -> Renaming:
        """Return what the renaming of a source with these files changes."""
        old = owned.source
        models = {name: _derived(name, old, new) for name in owned.models}
        paths = map(PurePosixPath, owned.names)
        assets = {path.stem: _derived(path.stem, old, new) for path in paths if path.is_relative_to(ASSETS)}
        has_value_key = owned.declaration.get("key") in (VALUE, [VALUE])
        return cls(
            old,
            new,
            {name: renamed for name, renamed in models.items() if name != renamed},
            {name: renamed for name, renamed in assets.items() if name != renamed},
            {f"{old}_key": f"{new}_key"} if has_value_key else {},
        )

    @property
    def words(self) -> dict[str, str]:
        """All exact identifiers but the columns, which other sources may have, too."""
        return {f"raw_{self.old}": f"raw_{self.new}", **self.models, **self.assets}

    def path(self, name: str) -> str:
        """Return the new path of one of the source's files."""
        path = PurePosixPath(name)
        folders = [self.new if part == self.old else part for part in path.parent.parts]
        stem, dot, suffixes = path.name.partition(".")
        is_named = stem == self.old and str(path.parent) in FOLDERS_OF_NAMES
        renamed = self.new if is_named else _derived(stem, self.old, self.new)
        return str(PurePosixPath(*folders, f"{renamed}{dot}{suffixes}"))


def _derived(name: str, old: str, new: str) -> str:
    """Return the new name of a model or asset; the same one if it is not named after the source."""
    return re.sub(rf"^({PREFIXES})_{re.escape(old)}(?=_|$)", rf"\1_{new}", name)
