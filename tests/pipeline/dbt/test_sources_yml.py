"""The files that pass the declared sources to dbt."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import loader.declarations
from pipeline.dbt import sources_yml
from pipeline.dbt.sources import sources
from pipeline.errors import DeclarationsChanged
from tests.support.landing import SOURCES


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the declarations that a test may change; the generated files are copies, too."""
    folder = tmp_path / "sources"
    shutil.copytree(loader.declarations.SOURCES, folder)
    monkeypatch.setattr(loader.declarations, "SOURCES", folder)
    for name in ("SOURCES_YML", "MODELLED_SOURCES"):
        copy = tmp_path / getattr(sources_yml, name).name
        shutil.copyfile(getattr(sources_yml, name), copy)
        monkeypatch.setattr(sources_yml, name, copy)
    return folder


def change(path: Path, **values: Any) -> None:
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))


def table(name: str) -> dict[str, Any]:
    found = yaml.safe_load(sources_yml.SOURCES_YML.read_text())["sources"][0]["tables"]
    return next(entry for entry in found if entry["name"] == name)


def test_the_committed_files_are_current() -> None:
    assert sources_yml.changed_files() == []


def test_every_sample_source_is_modelled() -> None:
    assert {*SOURCES} <= {*sources_yml.modelled_sources()}


@pytest.mark.parametrize(
    "values",
    [
        {"key": ["/carrier", "/name"]},
        {"version": "/name"},
        {"missing_texts": ["-"]},
        {"missing_texts": {"*": ["NA"], "/carrier": [""]}},
        {"trimmed": ["/name"]},
        {"withdrawn_when": {"field": "/name", "values": ["gone"]}},
        {"withdrawn_when": {"field": "/name", "values": ["gone"], "other_values": ["here"]}},
        {"fresh_days": 1},
        {"description": "Carriers."},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_changed_declaration_stops_dbt_until_it_is_written(declared: Path, values: dict[str, Any]) -> None:
    change(declared / "airlines.yml", **values)
    with pytest.raises(DeclarationsChanged, match=r"differs from the declarations .* run `.*waybill sources --write`"):
        sources_yml.require_current()
    assert sources_yml.write_files() == [sources_yml.SOURCES_YML]
    sources_yml.require_current()
    meta = table("airlines")["config"]["meta"]
    assert {name: meta[name] for name in values if name in meta} == {k: v for k, v in values.items() if k in meta}


@pytest.mark.parametrize(
    ("values", "is_named"), [({"version": "delivery"}, True), ({"description": "Carriers."}, False)]
)
def test_a_changed_key_or_version_asks_for_a_full_refresh(
    declared: Path, values: dict[str, Any], is_named: bool
) -> None:
    change(declared / "airlines.yml", **values)
    output = CliRunner().invoke(sources, ["--write"]).output
    assert ("changed for airlines: documents that were processed before keep" in output) is is_named
    assert "--full-refresh" not in CliRunner().invoke(sources, ["--write"]).output


def test_a_source_without_models_stops_nothing(declared: Path) -> None:
    shutil.copyfile(declared / "airlines.yml", declared / "books.yml")
    change(declared / "books.yml", source="books")
    sources_yml.require_current()
    sources_yml.write_files()
    (declared / "books.yml").unlink()
    sources_yml.require_current()


def test_models_of_a_source_that_is_not_declared_are_named(declared: Path) -> None:
    (declared / "airlines.yml").unlink()
    with pytest.raises(DeclarationsChanged, match="has models of airlines, which loader/sources does not declare"):
        sources_yml.require_current()


def test_a_new_source_is_listed_as_not_modelled(declared: Path) -> None:
    shutil.copyfile(declared / "airlines.yml", declared / "books.yml")
    change(declared / "books.yml", source="books")
    result = CliRunner().invoke(sources, [])
    assert "books        not modelled" in result.output
    assert "sources --write" in result.output
    assert CliRunner().invoke(sources, ["--write"]).exit_code == 0
    assert table("books")["config"]["meta"]["key"] == ["/carrier"]


def test_what_a_user_adds_to_a_table_survives_a_rewrite(declared: Path) -> None:
    content = yaml.safe_load(sources_yml.SOURCES_YML.read_text())
    own = {"tags": ["reference"], "data_tests": [{"unique": {"arguments": {"column_name": "_position"}}}]}
    airlines = next(entry for entry in content["sources"][0]["tables"] if entry["name"] == "airlines")
    airlines |= own
    airlines["columns"][3]["description"] = "Our own words."
    sources_yml.SOURCES_YML.write_text(yaml.safe_dump(content))
    assert sources_yml.changed_files() == []
    change(declared / "airlines.yml", fresh_days=7)
    sources_yml.write_files()
    written = table("airlines")
    assert written["config"]["freshness"] == {"warn_after": {"count": 7, "period": "day"}}
    assert {name: written[name] for name in own} == own
    assert written["columns"][3]["description"] == "Our own words."


def test_a_removed_source_leaves_the_yml(declared: Path) -> None:
    (declared / "weather.yml").unlink()
    assert sources_yml.write_files() == [sources_yml.SOURCES_YML, sources_yml.MODELLED_SOURCES]
    assert "weather" not in sources_yml.SOURCES_YML.read_text() + sources_yml.MODELLED_SOURCES.read_text()


def test_an_unreadable_yml_is_reported_and_kept(declared: Path) -> None:
    sources_yml.SOURCES_YML.write_text("sources: [")
    with pytest.raises(DeclarationsChanged, match="is not YAML"):
        sources_yml.write_files()
    assert sources_yml.SOURCES_YML.read_text() == "sources: ["
