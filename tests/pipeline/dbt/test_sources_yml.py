"""The files that pass the declared sources to dbt."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jinja2 import Environment

from pipeline.dbt import sources_files, sources_yml
from pipeline.dbt.sources import sources
from pipeline.errors import DeclarationsChanged
from tests.support.declared.orders import declare_orders

CAFES = {
    "source": "cafes",
    "description": "Cafes.",
    "contract": "cafes.schema.json",
    "key": ["/code"],
    "version": "/updated_at",
    "fresh_days": 30,
}


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Declare cafes and orders, with models, in a folder; return that of the declarations."""
    folder = tmp_path / "sources"
    declare_orders(folder, monkeypatch)
    (folder / "cafes.yml").write_text(yaml.safe_dump(CAFES))
    (folder / "cafes.schema.json").write_text('{"type": "object"}')
    staging = tmp_path / "models" / "staging"
    outcomes = tmp_path / "models" / "intermediate" / "outcomes"
    for source in ("cafes", "orders"):
        for path in (staging / f"stg_{source}.sql", outcomes / f"int_{source}_outcomes.sql"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    monkeypatch.setattr(sources_files, "DBT_PROJECT", tmp_path)
    sources_yml.write_files()
    return folder


def change(path: Path, **values: Any) -> None:
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))


def table(name: str) -> dict[str, Any]:
    return sources_files.raw_table(sources_files.read_content(sources_files.source_file(name)), name)


def shared_yml(*tables: dict[str, Any], **more: Any) -> Path:
    """Write the one file that held all sources in older versions."""
    content = {"version": 2, "sources": [{"name": "raw", "tables": list(tables)}], **more}
    sources_files.shared_file().write_text(yaml.safe_dump(content))
    return sources_files.shared_file()


def test_the_committed_files_are_current() -> None:
    assert sources_yml.changed_files() == []


@pytest.mark.parametrize(
    "values",
    [
        {"key": ["/code", "/name"]},
        {"version": "/name"},
        {"missing_texts": ["-"]},
        {"missing_texts": {"*": ["NA"], "/code": [""]}},
        {"trimmed": ["/name"]},
        {"withdrawn_when": {"field": "/name", "values": ["gone"]}},
        {"withdrawn_when": {"field": "/name", "values": ["gone"], "other_values": ["here"]}},
        {"fresh_days": 1},
        {"description": "Coffee houses."},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_changed_declaration_stops_dbt_until_it_is_written(declared: Path, values: dict[str, Any]) -> None:
    change(declared / "cafes.yml", **values)
    with pytest.raises(DeclarationsChanged, match=r"differs from the declarations .* run `.*waybill sources --write`"):
        sources_yml.require_current()
    assert sources_yml.write_files() == [sources_files.source_file("cafes")]
    sources_yml.require_current()
    meta = table("cafes")["config"]["meta"]
    assert {name: meta[name] for name in values if name in meta} == {k: v for k, v in values.items() if k in meta}


@pytest.mark.parametrize(
    ("values", "is_named"), [({"version": "delivery"}, True), ({"description": "Coffee houses."}, False)]
)
def test_a_changed_key_or_version_announces_the_rebuild(declared: Path, values: dict[str, Any], is_named: bool) -> None:
    change(declared / "cafes.yml", **values)
    output = CliRunner().invoke(sources, ["--write"]).output
    assert ("changed for cafes: the next `" in output) is is_named
    assert ("rebuilds what is made from their documents" in output) is is_named
    assert "rebuilds" not in CliRunner().invoke(sources, ["--write"]).output


def test_a_source_without_models_stops_nothing(declared: Path) -> None:
    shutil.copyfile(declared / "cafes.yml", declared / "books.yml")
    change(declared / "books.yml", source="books")
    sources_yml.require_current()
    sources_yml.write_files()
    (declared / "books.yml").unlink()
    sources_yml.require_current()


def test_models_of_a_source_that_is_not_declared_are_named(declared: Path) -> None:
    (declared / "cafes.yml").unlink()
    with pytest.raises(DeclarationsChanged, match="has models of cafes, which loader/sources does not declare"):
        sources_yml.require_current()


def test_a_new_source_is_listed_as_not_modelled(declared: Path) -> None:
    shutil.copyfile(declared / "cafes.yml", declared / "books.yml")
    change(declared / "books.yml", source="books")
    result = CliRunner().invoke(sources, [])
    assert "books        not modelled" in result.output
    assert "sources --write" in result.output
    assert CliRunner().invoke(sources, ["--write"]).exit_code == 0
    assert table("books")["config"]["meta"]["key"] == ["/code"]


def test_what_a_user_adds_to_a_table_survives_a_rewrite(declared: Path) -> None:
    path = sources_files.source_file("cafes")
    content = yaml.safe_load(path.read_text())
    own = {"tags": ["reference"], "data_tests": [{"unique": {"arguments": {"column_name": "_position"}}}]}
    (cafes,) = content["sources"][0]["tables"]
    cafes |= own
    cafes["columns"][3]["description"] = "Our own words."
    path.write_text(yaml.safe_dump(content))
    assert sources_yml.changed_files() == []
    change(declared / "cafes.yml", fresh_days=7)
    sources_yml.write_files()
    written = table("cafes")
    assert written["config"]["freshness"] == {"warn_after": {"count": 7, "period": "day"}}
    assert {name: written[name] for name in own} == own
    assert written["columns"][3]["description"] == "Our own words."


def test_the_file_of_a_removed_source_is_removed(declared: Path) -> None:
    path = sources_files.source_file("orders")
    (declared / "orders.yml").unlink()
    result = CliRunner().invoke(sources, ["--write"])
    assert f"removed: {path}" in result.output
    assert not path.exists()
    assert sources_yml.changed_files() == []


def test_a_file_is_beside_the_staging_model_or_in_a_folder(declared: Path) -> None:
    folder = sources_files.models_folder() / "staging"
    assert sources_files.source_file("books") == folder / "books" / "_raw_books.yml"
    (folder / "own").mkdir()
    (folder / "own" / "stg_books.sql").touch()
    assert sources_files.source_file("books") == folder / "own" / "_raw_books.yml"


def test_a_second_file_of_a_source_is_named(declared: Path) -> None:
    first = sources_files.source_file("cafes")
    second = first.parent / "cafes" / first.name
    second.parent.mkdir()
    shutil.copyfile(first, second)
    with pytest.raises(DeclarationsChanged, match=r"_raw_cafes\.yml declare the same raw table: delete all of them"):
        sources_yml.require_current()


def test_an_unreadable_yml_is_reported_and_kept(declared: Path) -> None:
    path = sources_files.source_file("cafes")
    path.write_text("sources: [")
    with pytest.raises(DeclarationsChanged, match="is not YAML"):
        sources_yml.write_files()
    assert path.read_text() == "sources: ["


def test_the_shared_file_of_older_versions_is_taken_apart(declared: Path) -> None:
    shutil.copyfile(declared / "cafes.yml", declared / "books.yml")
    change(declared / "books.yml", source="books")
    own = {"tags": ["reference"], "columns": [{"name": "document", "description": "Our own words."}]}
    shared = shared_yml({"name": "books", **own}, {"name": "cafes"})
    with pytest.raises(DeclarationsChanged, match=r"_sources\.yml differs .* run `.*waybill sources --write`"):
        sources_yml.require_current()
    before = sources_files.source_file("cafes").read_text()
    assert sources_yml.write_files() == [sources_files.source_file("books"), shared]
    assert not shared.exists()
    assert sources_files.source_file("cafes").read_text() == before
    assert {name: table("books")[name] for name in own} == own
    sources_yml.require_current()
    assert sources_yml.write_files() == []


def test_other_sources_of_the_shared_file_are_kept(declared: Path) -> None:
    shared = shared_yml({"name": "cafes"})
    content = yaml.safe_load(shared.read_text())
    content["sources"].append({"name": "elsewhere", "tables": [{"name": "books"}]})
    shared.write_text(yaml.safe_dump(content))
    assert sources_yml.write_files() == [shared]
    assert [source["name"] for source in yaml.safe_load(shared.read_text())["sources"]] == ["elsewhere"]
    assert sources_yml.changed_files() == []


def test_dbt_reads_a_path_with_braces_as_it_is(declared: Path) -> None:
    paths = {"a": "/{{ x }}", "b": "/{% x %}", "c": "/{{{# x", "d": "/{x}"}
    change(declared / "cafes.yml", carried={"cafes": paths})
    sources_yml.write_files()
    written = table("cafes")["config"]["meta"]["carried"]["cafes"]
    assert {name: Environment().from_string(path).render() for name, path in written.items()} == paths  # noqa: S701
