# waybill: sample
"""The table of the certification's sections agrees with the tree; sections marked as still to come do not exist yet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCUMENT = Path("docs/rncp38919.md")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in DOCUMENT.read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| section", "| script"))
]
COMING = [row for row in ROWS if "à venir" in row[1]]
THERE = [row for row in ROWS if row not in COMING]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("row", THERE, ids=lambda row: row[0])
def test_each_finished_section_has_a_file_a_command_and_a_test(row: list[str]) -> None:
    _, file, command, test = row
    [path], [typed], [proof] = names(file), names(command), names(test)
    assert Path(path).is_file()
    assert re.match(r"make [a-z-]+$|python -m [a-z.]+|waybill [a-z]+", typed)
    assert Path(proof).is_file()
    assert re.search(r"\bdef test_|\bselect\b|unit_tests:|data_tests:", Path(proof).read_text())


@pytest.mark.parametrize("row", COMING, ids=lambda row: row[0])
def test_an_open_section_claims_no_file_command_or_test(row: list[str]) -> None:
    [path] = names(row[1])
    assert not Path(path).exists(), f"{path} is there: fill its row"
    assert row[2:] == ["", ""]


@pytest.mark.parametrize(
    "words",
    ["plat", "imbriqué", "manquantes", "Doublons", "Types", "catégorielles", "schéma", "JSON nettoyé", "primaires",
     "étrangères", "ORM", "supervisée", "apprentissage", "Métriques", "joblib", "Producteur", "Consommateur", ".env",
     "pytest", "mémoire", "Tests avancés", "Énergie", "API", "Airflow", "pgAdmin"],
)  # fmt: skip
def test_every_section_of_the_architecture_has_a_row(words: str) -> None:
    assert any(words in row[0] for row in ROWS)


@pytest.mark.parametrize("script", ["etl", "create_db", "ingest_db", "train_model", "producer", "consumer", "conso"])
def test_every_script_of_the_plan_has_a_command(script: str) -> None:
    assert [row for row in THERE if row[0].startswith(f"`scripts/{script}.py`")]


def test_both_substitutions_are_named() -> None:
    text = DOCUMENT.read_text()
    assert "PostgreSQL à la place de MySQL" in text
    assert "pgAdmin à la place de phpMyAdmin" in text
