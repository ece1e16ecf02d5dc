"""The macros' folders: one macro a file, each described."""

from __future__ import annotations

import re

import yaml

from warehouse.dbt_login import DBT_PROJECT
from warehouse.outcomes import OUTCOMES, UNDONE

MACROS = DBT_PROJECT / "macros"


def test_each_macro_has_its_own_file() -> None:
    for path in MACROS.rglob("*.sql"):
        found = re.findall(r"{%-? (?:macro (\w+)|materialization (\w+))", path.read_text())
        assert [macro or f"materialization_{materialization}" for macro, materialization in found] == [path.stem], path


def test_each_folder_describes_its_macros() -> None:
    for folder in (path for path in MACROS.iterdir() if path.is_dir()):
        described = yaml.safe_load((folder / "_macros.yml").read_text())["macros"]
        names = sorted(re.sub(r"^(materialization_\w+)_postgres$", r"\1", macro["name"]) for macro in described)
        assert names == sorted(path.stem for path in folder.glob("*.sql"))
        assert all(macro["description"] for macro in described)


def test_dbt_and_python_have_one_list_of_outcomes() -> None:
    macro = (MACROS / "documents" / "outcome_names.sql").read_text()
    (names,) = re.findall(r"return\(\[(.*)\]\)", macro)
    assert sorted(re.findall(r"'(\w+)'", names)) == sorted([*OUTCOMES, UNDONE])
    assigned = (MACROS / "documents" / "deduplicated_documents.sql").read_text()
    assert set(re.findall(r"(?:then|else) '(\w+)'$", assigned, re.M)) == set(OUTCOMES)
