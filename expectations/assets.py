"""The assets, found in `context/assets`: the query that each checkpoint validates, one file an asset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from expectations.errors import BrokenAsset, NoSuchCheckpoint
from waybill.settings import relative_name

CONTEXT = Path(__file__).with_name("context")
TABLE = re.compile(r"\b(?:from|join)\s+([a-z0-9_]+\.[a-z0-9_]+)")


@dataclass(frozen=True)
class Asset:
    """Rows that a checkpoint validates, with the suite of the same name.

    `query` has a column `row_key`, which names a row. `source` is the source that the rows come from: as long as
    nothing of it was ever loaded, the asset is not checked. Without `source` it always is.
    """

    name: str
    edge: str
    query: str
    source: str | None = None

    @property
    def tables(self) -> set[str]:
        """The tables that the query reads, with their schemas."""
        return set(TABLE.findall(self.query))


def checkpoint_names() -> list[str]:
    """Return the names of the committed checkpoints."""
    return sorted(path.stem for path in (CONTEXT / "checkpoints").glob("*.json"))


def read_assets() -> dict[str, Asset]:
    """Return all assets by name, in the order of their names.

    Raises:
        BrokenAsset: a file of an asset has no edge or no query, or there is no suite for it.
    """
    return _read_all(CONTEXT)


@cache
def _read_all(context: Path) -> dict[str, Asset]:
    return {file.stem: _read_asset(file) for file in sorted((context / "assets").glob("*.yml"))}


def _read_asset(file: Path) -> Asset:
    declared = yaml.safe_load(file.read_text(encoding="utf-8"))
    known = declared if isinstance(declared, dict) else {}
    edge, query = str(known.get("edge")), str(known.get("query"))
    if edge not in checkpoint_names():
        _refuse(file, f"edge is {edge}; write one of {', '.join(checkpoint_names())}")
    if not re.match(r"select\s", query, re.IGNORECASE) or "row_key" not in query:
        _refuse(file, "query must be SQL that begins with select and has a column row_key")
    if unknown := known.keys() - {"edge", "query", "source"}:
        _refuse(file, f"{sorted(unknown)[0]} is unknown; remove it")
    suite = file.parent.parent / "suites" / f"{file.stem}.json"
    if not suite.exists():
        _refuse(file, f"its suite {relative_name(suite)} is missing; add it")
    return Asset(file.stem, edge, query, known.get("source"))


def _refuse(file: Path, problem: str) -> None:
    raise BrokenAsset(f"{relative_name(file)}: {problem}")


def checkpoint_assets(checkpoint: str) -> list[Asset]:
    """Return the assets that the checkpoint validates, in the order of their names.

    Raises:
        NoSuchCheckpoint: no committed checkpoint has this name.
        BrokenAsset: a file of an asset is wrong.
    """
    if checkpoint not in checkpoint_names():
        raise NoSuchCheckpoint(f"there is no checkpoint {checkpoint}: choose from {', '.join(checkpoint_names())}")
    return [asset for asset in read_assets().values() if asset.edge == checkpoint]
