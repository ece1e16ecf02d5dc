"""The commands that a user types after `waybill new`: load, build, and a first question in SQL."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from itertools import groupby

from loader.reading.input_files import STANDARD_INPUT
from pipeline.modelling.design import Design, Table
from pipeline.modelling.profiling.profile import FileProfile
from waybill.cli import shown_command
from waybill.settings import get_settings


def load_commands(design: Design, files: Sequence[FileProfile], given: Sequence[str]) -> list[str]:
    """Return the commands that land the documents that were read.

    One lands the files below the raw folder, which the declaration's patterns match. Of the others, each way in which
    they are laid out has its own command. `given` are files and folders as the user named them,
    none if a folder has other files, too: with a layout, a load takes all of a folder.
    """
    outside = [file for file in files if not _is_below_raw_folder(file)]
    commands = [shown_command(f"load {design.source}")] if len(outside) < len(files) else []

    def reading(file: FileProfile) -> tuple[str, str]:
        return file.layout, file.records_at or ""

    ways = [(way, list(laid_out)) for way, laid_out in groupby(sorted(outside, key=reading), reading)]
    for (layout, records_at), laid_out in ways:
        names = given if given and len(outside) == len(files) and len(ways) == 1 else [_name(file) for file in laid_out]
        flags = [] if layout == "ndjson" and not commands else ["--layout", layout]
        flags += ["--records-at", records_at] if layout == "records" else []
        commands.append(shown_command(shlex.join(["load", design.source, *names, *flags])))
    return commands


def build_command(design: Design) -> str:
    """Return the command that builds and tests the models of the source."""
    return shown_command(f"dbt build --select tag:{design.source}")


def question_command(design: Design) -> str:
    """Return a first question about the documents, as a command."""
    return shown_command(f"psql -c {shlex.quote(question(design))}")


def question(design: Design) -> str:
    """Return a first question in SQL: counts by a column with few values, else the longest lists."""
    mart = f"marts.{design.mart(design.root)}"
    columns = design.root.columns
    groups = [column for column in columns if len(column.values) > 1 and column.type in ("text", "boolean")]
    if groups:
        name = min(
            groups, key=lambda column: (column.type != "text", column.missing, len(column.values), column.path)
        ).name
        return f"select {name}, count(*) from {mart} group by 1 order by 2 desc limit 10"
    child = next((table for table in design.children if table.parent == design.root.suffix), None)
    return _longest(design, child) if child else f"select count(*) from {mart}"


def _longest(design: Design, child: Table) -> str:
    key = design.key_columns
    by = ", ".join(str(number) for number in range(1, len(key) + 1))
    return (
        f"select {', '.join(key)}, count(*) from marts.{design.mart(child)} "
        f"group by {by} order by {len(key) + 1} desc limit 10"
    )


def _is_below_raw_folder(file: FileProfile) -> bool:
    return file.path is not None and file.path.resolve().is_relative_to(get_settings().raw_folder.resolve())


def _name(file: FileProfile) -> str:
    return STANDARD_INPUT if file.path is None else os.fspath(file.path)
