"""Patterns for files below the raw folder, and names that models have already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.deciding.layouts import file_patterns
from pipeline.modelling.deciding.taken_names import check_names
from pipeline.modelling.design import Design
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profile import FileProfile, Profile
from tests.pipeline.modelling.deciding.plain_profiles import profiled


def in_files(folder: Path, *names: str, layout: str = "ndjson") -> Profile:
    """Return a profile of files in a folder, which are written."""
    files = []
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        files.append(FileProfile(path, name, layout, None, documents=1, rejected=0))  # type: ignore[arg-type]
    return replace(profiled([{"id": 1}]), files=tuple(files))


def patterns(profile: Profile, folder: Path) -> list[tuple[str, str]]:
    return [(entry.pattern, entry.layout) for entry in file_patterns(profile, folder)]


def test_all_files_of_a_folder_have_one_pattern(tmp_path: Path) -> None:
    profile = in_files(tmp_path, "trips/a.ndjson.gz", "trips/b.ndjson.gz", "trips/c.json")
    assert patterns(profile, tmp_path) == [("trips/*.json", "ndjson"), ("trips/*.ndjson.gz", "ndjson")]


def test_a_file_among_others_is_named(tmp_path: Path) -> None:
    (tmp_path / "trips").mkdir()
    (tmp_path / "trips" / "other.json").touch()
    assert patterns(in_files(tmp_path, "trips/a.json", "b.json"), tmp_path) == [
        ("b.json", "ndjson"),
        ("trips/a.json", "ndjson"),
    ]


def test_files_of_several_layouts_are_named(tmp_path: Path) -> None:
    lines, array = in_files(tmp_path, "trips/a.json"), in_files(tmp_path, "trips/b[1].json", layout="array")
    both = replace(lines, files=lines.files + array.files)
    assert patterns(both, tmp_path) == [("trips/a.json", "ndjson"), ("trips/b[[]1].json", "array")]


def test_files_elsewhere_have_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    assert patterns(in_files(tmp_path, "elsewhere/a.json"), tmp_path / "raw") == []


@pytest.mark.parametrize(
    ("names", "dated"),
    [
        (["t/x-2024-01.json", "t/x-2024-02.json"], ["t/x-{date:%Y-%m}.json"]),
        (["t/x-2024-01-31.json", "t/x-2024-02-01.json"], ["t/x-{date:%Y-%m-%d}.json"]),
        (["t/x_20240131.json", "t/x_20240201.json"], ["t/x_{date:%Y%m%d}.json"]),
        (["t/2024_01_31-[a].json", "t/2024_02_01-[a].json"], ["t/{date:%Y_%m_%d}-[[]a].json"]),
        (["t/20240131-2024-01.json", "t/20240131-2024-02.json"], ["t/20240131-{date:%Y-%m}.json"]),
        (["t/x-2024-01.json", "t/x-2024-13.json"], []),
        (["t/x-2024-01.json", "t/y-2024-02.json"], []),
        (["t/x-2024-01.json", "t/late.json"], []),
        (["t/x-2024-01.json"], []),
        (["t/x-0001-01.json", "t/x-0001-02.json"], []),
    ],
)
def test_names_that_differ_by_a_date_have_two_patterns(tmp_path: Path, names: list[str], dated: list[str]) -> None:
    assert [pattern for pattern, _ in patterns(in_files(tmp_path, *names), tmp_path)] == [*dated, "t/*.json"]


def test_a_brace_in_a_name_is_not_a_capture(tmp_path: Path) -> None:
    assert patterns(in_files(tmp_path, "{date:x}.json"), tmp_path) == [("[{]date:x}.json", "ndjson")]


def orders() -> Design:
    return design(profiled([{"id": 1, "items": [{"x": 1}]}]), "orders", Flags())


def model(folder: Path, path: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).touch()


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("marts/fct_orders.sql", "source orders exists: fct_orders is in .*; choose another name for the source"),
        ("marts/x/fct_orders_items.sql", "a model for /items exists: .*; give the table another name with --table"),
        ("staging/stg_orders_items.sql", "a model for /items exists"),
    ],
)
def test_a_name_of_another_model_is_refused(tmp_path: Path, path: str, wrong: str) -> None:
    model(tmp_path, path)
    with pytest.raises(ModellingRefused, match=wrong):
        check_names(orders(), [], tmp_path)


def test_the_models_of_the_source_itself_are_not_taken(tmp_path: Path) -> None:
    model(tmp_path, "marts/orders/fct_orders.sql")
    check_names(orders(), ["orders"], tmp_path)


def test_the_staging_model_of_another_source_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ModellingRefused, match="stg_orders_items would be the staging model of source orders_items"):
        check_names(orders(), ["orders_items"], tmp_path)
