"""The files below `dbt_project/models` that declare raw tables to dbt: where they are, and what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import DeclarationsChanged
from warehouse.dbt_login import DBT_PROJECT
from waybill.cli import shown_command
from waybill.settings import relative_name

Content = dict[str, Any]


def models_folder() -> Path:
    """Return the folder of the dbt models."""
    return DBT_PROJECT / "models"


def shared_file() -> Path:
    """Return the path of the one file that held all sources in older versions."""
    return models_folder() / "_sources.yml"


def source_file(name: str) -> Path:
    """Return the path of a source's file: where it is, else beside the staging model, else in a new folder.

    Raises:
        DeclarationsChanged: the source has two files.
    """
    found = source_files().get(name, [])
    if len(found) > 1:
        names = " and ".join(relative_name(path) for path in found)
        raise DeclarationsChanged(f"{names} declare the same raw table: delete all of them but one")
    if found:
        return found[0]
    staging = sorted(models_folder().rglob(f"stg_{name}.sql"))
    folder = staging[0].parent if staging else models_folder() / "staging" / name
    return folder / f"_raw_{name}.yml"


def source_files() -> dict[str, list[Path]]:
    """Return the files that declare raw tables, by source."""
    found: dict[str, list[Path]] = {}
    for path in sorted(models_folder().rglob("_raw_*.yml")):
        found.setdefault(source_of(path), []).append(path)
    return found


def source_of(path: Path) -> str:
    """Return the source that a file `_raw_<source>.yml` belongs to."""
    return path.stem.removeprefix("_raw_")


def read_content(path: Path) -> Content:
    """Return the content of a file, empty if there is none.

    Raises:
        DeclarationsChanged: the file is not YAML.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).partition("\n")[0]
        raise DeclarationsChanged(
            f"{relative_name(path)} is not YAML ({first}): restore it from git, or delete it and run "
            f"`{shown_command('sources --write')}`"
        ) from None
    return content if isinstance(content, dict) else {}


def raw_source(content: Mapping[str, Any]) -> Content:
    """Return the dbt source `raw` of a file, empty if there is none."""
    return next((source for source in content.get("sources") or [] if source.get("name") == "raw"), {})


def raw_table(content: Mapping[str, Any], name: str) -> Content:
    """Return what a file says about a raw table, empty if nothing."""
    return next((table for table in raw_source(content).get("tables") or [] if table.get("name") == name), {})


def declares_only(content: Mapping[str, Any], name: str) -> bool:
    """Return True if nothing but one raw table is in a file."""
    return not without_raw(content) and [table.get("name") for table in raw_source(content).get("tables") or []] == [
        name
    ]


def without_raw(content: Mapping[str, Any]) -> Content:
    """Return the content of a file without the dbt source `raw`; empty if nothing else is in it."""
    others = [source for source in content.get("sources") or [] if source.get("name") != "raw"]
    rest = {name: value for name, value in content.items() if name not in ("version", "sources")}
    return {"version": 2, **rest, **({"sources": others} if others else {})} if rest or others else {}
