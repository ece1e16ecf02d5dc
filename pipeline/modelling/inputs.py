"""Finds the files that `waybill new` reads: named ones, those in folders, or standard input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loader.declarations import Layout, Source
from loader.raw_files import LeftAlone, given_files
from loader.reading.input_files import STANDARD_INPUT, spooled_standard_input
from pipeline.errors import ModellingRefused
from waybill.settings import get_settings


@contextmanager
def found_files(source: str, given: tuple[str, ...], layout: Layout | None) -> Iterator[tuple[list[Path], LeftAlone]]:
    """Yield the files in the order of their names, and what was left alone in folders; a copy of standard input.

    Raises:
        ModellingRefused: no file is named, or one has an empty name.
        FileRefused: a file does not exist, or a folder has none.
    """
    if not given:
        raise ModellingRefused(f"name the files or a folder with the documents of {source}, `-` or --from-raw")
    if any(not name.strip() for name in given):
        raise ModellingRefused("a file has an empty name: is a variable not set?")
    if STANDARD_INPUT in given:
        if len(given) > 1:
            raise ModellingRefused("`-` is standard input, and cannot be named together with files")
        with spooled_standard_input() as spooled:
            yield [spooled.path], LeftAlone()
        return
    undeclared = Source(source=source, description="", contract="x.schema.json", key=["/x"], version="delivery")
    files, left = given_files(
        undeclared, [Path(name) for name in given], get_settings().raw_folder, takes_all=layout is not None
    )
    yield sorted(dict.fromkeys(files)), left
