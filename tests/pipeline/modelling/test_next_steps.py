"""The commands after `waybill new` land the files that were read, with the flags that they need."""

from __future__ import annotations

from pathlib import Path

from loader.declarations import Layout
from pipeline.modelling.design import Column, Design, Table
from pipeline.modelling.next_steps import load_commands, question
from pipeline.modelling.profiling.profile import FileProfile
from waybill.settings import get_settings

ID = Column("id", "/id", "/id", "text", 3)
SIZE = Column("size", "/size", "/size", "text", 3, values=(("big", 2), ("small", 1)))


def design(*columns: Column) -> Design:
    root = Table("", "document", "", "", columns, 3)
    lines = Table("lines", "array", "/lines", "/lines", (), 5, parent="", number_column="lines_number")
    return Design("things", "", (), ("/id",), "delivery", (root, lines), 3)


def read(path: str, layout: Layout, records_at: str | None = None) -> FileProfile:
    return FileProfile(Path(path), path, layout, records_at, 1, 0)


def commands(files: list[FileProfile], given: tuple[str, ...] = ()) -> list[str]:
    return [line.partition("waybill ")[2] for line in load_commands(design(ID), files, given)]


def test_lines_need_no_layout_and_names_stay_as_typed() -> None:
    assert commands([read("/d/my own/a.ndjson", "ndjson")], ("my own",)) == ["load things 'my own'"]


def test_each_layout_outside_data_raw_has_its_own_command() -> None:
    files = [read("/d/a.json", "array"), read("/d/b.json", "records", "/data"), read("/d/c.json", "array")]
    assert commands(files, ("/d",)) == [
        "load things /d/a.json /d/c.json --layout array",
        "load things /d/b.json --layout records --records-at /data",
    ]


def test_files_in_data_raw_have_patterns() -> None:
    inside = read(str(get_settings().raw_folder / "things" / "a.json"), "array")
    assert commands([inside], ("data/raw/things",)) == ["load things"]
    assert commands([inside, read("/d/b.ndjson", "ndjson")]) == [
        "load things",
        "load things /d/b.ndjson --layout ndjson",
    ]


def test_the_first_question_groups_by_an_enumeration() -> None:
    assert question(design(ID, SIZE)).startswith("select size, count(*) from marts.fct_things group by 1")
    assert question(design(ID)).startswith("select id, count(*) from marts.fct_things_lines group by 1")
