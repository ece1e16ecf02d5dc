"""Designs of sources, made by hand, and a project that is written from one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from pipeline.modelling.design import Column, Design, Table
from pipeline.modelling.writing import declaration, intermediate, marts, staging
from tests.support.own_sources.project import OwnProject


def column(name: str, pointer: str, kind: str = "text", *, within: str = "", **observed: Any) -> Column:
    return Column(name=name, pointer=pointer, path=f"{within}{pointer}", type=kind, rows=10, **observed)


def table(
    path: str, kind: Literal["array", "map"], *columns: Column, parent: str = "", suffix: str | None = None
) -> Table:
    """Return a child table of an array or map that is named as the last member of its path."""
    name = path.split("/")[-1]
    above, _, pointer = path.rpartition("/*/")
    return Table(
        suffix=suffix or "_".join(part for part in path.split("/") if part not in ("", "*")),
        kind=kind,
        path=path,
        pointer=f"/{pointer}" if above else path,
        columns=columns,
        rows=10,
        parent=parent,
        number_column=f"{name}_number" if kind == "array" else None,
        name_column=f"{name}_name" if kind == "map" else None,
    )


def design(
    source: str, *columns: Column, key: tuple[str, ...], version: str, children: tuple[Table, ...] = (), **options: Any
) -> Design:
    root = Table(suffix="", kind="document", path="", pointer="", columns=columns, rows=10)
    return Design(source, f"{source}.", (), key, version, (root, *children), documents=10, **options)


def restaurants() -> Design:
    """Return a design with nested objects, arrays two levels deep, an array of texts, a map and a jsonb column."""
    grades = table(
        "/grades",
        "array",
        column("grade", "/grade", within="/grades/*", values=(("A", 5), ("B", 3))),
        column("score", "/score", "integer", within="/grades/*"),
        column("graded_at", "/date/$date", "timestamptz", within="/grades/*", wrapper="$date"),
    )
    marks = table(
        "/grades/*/marks",
        "array",
        column("marks_value", "", "numeric", within="/grades/*/marks/*"),
        parent="grades",
    )
    cuisines = table("/cuisines", "array", column("cuisines_value", "", within="/cuisines/*"))
    prices = table("/menu/prices", "map", column("prices_value", "", "double precision", within="/menu/prices/*"))
    return design(
        "restaurants",
        column("restaurant_id", "/restaurant_id", lowest="30075445"),
        column("address_street", "/address/street"),
        column("name", "/name"),
        column("seats", "/seats", "integer", lowest="2", highest="90"),
        column("status", "/status"),
        column("updated_at", "/updated_at", "timestamptz"),
        column("address_coord", "/address/coord", "jsonb"),
        key=("/restaurant_id",),
        version="/updated_at",
        children=(cuisines, grades, marks, prices),
        withdrawn_when=("/status", ("closed",)),
    )


def sightings() -> Design:
    """Return a design without a key and a version, with an array of objects."""
    birds = table(
        "/birds",
        "array",
        column("name", "/name", within="/birds/*"),
        column("seen", "/seen", "integer", within="/birds/*"),
    )
    return design(
        "sightings",
        column("site", "/site"),
        column("rain_mm", "/rain_mm", "numeric"),
        key=("value",),
        version="delivery",
        children=(birds,),
    )


def order_lines() -> Design:
    """Return a design whose key has two fields, with an array in an array, and fields that have no room."""
    parts = table("/parts", "array", column("part_id", "/id", within="/parts/*"))
    codes = table("/parts/*/codes", "array", column("codes_value", "", within="/parts/*/codes/*"), parent="parts")
    return design(
        "order_lines",
        column("order_id", "/order/id"),
        column("line", "/line", "integer", values=(("1", 5), ("2", 5))),
        column("other_fields", "", "jsonb", others=("/note", "/it's", "/order/site")),
        key=("/line", "/order/id"),
        version="delivery",
        children=(parts, codes),
        is_dimension=True,
    )


def write_project(folder: Path, monkeypatch: pytest.MonkeyPatch, *designs: Design) -> OwnProject:
    """Return a project with the models of the designs and the shortest declaration and contract of each."""
    project = OwnProject(folder, monkeypatch)
    write_models(project, *designs)
    return project


def write_models(project: OwnProject, *designs: Design) -> None:
    """Write the models, declarations and contracts of designs to a project, over those that are there."""
    for one in designs:
        key: Any = "value" if one.value_key_column else list(one.key)
        declared = {
            "source": one.source,
            "description": one.description,
            "contract": f"{one.source}.schema.json",
            "key": key,
            "version": one.version,
        }
        if one.withdrawn_when:
            field, values = one.withdrawn_when
            declared["withdrawn_when"] = {"field": field, "values": list(values), "other_values": ["open"]}
        written = yaml.safe_load(declaration.declaration(one))
        declared |= {name: written[name] for name in ("carried", "left_out") if name in written}
        (project.sources / f"{one.source}.yml").write_text(json.dumps(declared))
        (project.sources / f"{one.source}.schema.json").write_text(json.dumps({"type": "object"}))
    for one in designs:
        files = staging.files(one) | intermediate.files(one) | marts.files(one)
        project.add_models({path.removeprefix("dbt_project/models/"): content for path, content in files.items()})
