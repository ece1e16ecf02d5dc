"""The written models build, and follow their documents through every kind of delivery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loader.landing.raw_tables import make_raw_tables
from tests.support.databases import fresh_database
from tests.support.dbt_command import failures, query
from tests.support.landing import land
from tests.support.own_sources.designs import restaurants, write_project
from tests.support.own_sources.project import OwnProject

OUTCOMES = (
    "select _position, outcome, outcome_reason from intermediate.int_restaurants_deduplicated order by _batch_id, 1"
)
ROWS = {
    "": "select restaurant_id, name, seats, address_street, address_coord from marts.fct_restaurants order by 1",
    "grades": "select restaurant_id, grades_number, grade, score from marts.fct_restaurants_grades order by 1, 2",
    "marks": "select restaurant_id, grades_number, marks_number, marks_value::float from marts.fct_restaurants_grades_marks"
    " order by 1, 2, 3",
    "cuisines": "select restaurant_id, cuisines_number, cuisines_value from marts.fct_restaurants_cuisines order by 1, 2",
    "prices": "select restaurant_id, prices_name, prices_value from marts.fct_restaurants_menu_prices order by 1, 2",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: None) -> Iterator[OwnProject]:
    project = write_project(tmp_path, monkeypatch, restaurants())
    with fresh_database():
        make_raw_tables()
        yield project


def restaurant(key: str = "r1", day: int = 1, **values: Any) -> dict[str, Any]:
    document = {
        "restaurant_id": key,
        "name": "Morris",
        "seats": 20,
        "is_open": True,
        "address": {"street": "Park Ave", "coord": [1, 2.5]},
        "updated_at": f"2020-01-0{day}T00:00:00Z",
        "grades": [
            {"grade": "A", "score": 2, "date": {"$date": "2014-03-03T00:00:00Z"}, "marks": [1, 2.5]},
            {"grade": "A", "score": 2, "date": {"$date": "2014-03-03T00:00:00Z"}, "marks": []},
            None,
        ],
        "cuisines": ["Bakery", "Bakery", None, ""],
        "menu": {"prices": {"bun": 1.5, "EUR 'x'": None}},
    }
    return document | values


def build(project: OwnProject, *arguments: str) -> None:
    built = project.run("build", *arguments)
    assert built.success, built.exception or failures(built)


def test_every_value_of_a_document_has_its_place(project: OwnProject) -> None:
    land("restaurants", restaurant(), restaurant("r2", grades=None, cuisines=[], menu={}, address=None, seats=2.0))
    build(project)
    assert {name: query(rows) for name, rows in ROWS.items()} == {
        "": [("r1", "Morris", 20, "Park Ave", [1, 2.5]), ("r2", "Morris", 2, None, None)],
        "grades": [("r1", 1, "A", 2), ("r1", 2, "A", 2), ("r1", 3, None, None)],
        "marks": [("r1", 1, 1, 1), ("r1", 1, 2, 2.5)],
        "cuisines": [("r1", 1, "Bakery"), ("r1", 2, "Bakery"), ("r1", 3, None), ("r1", 4, "")],
        "prices": [("r1", "EUR 'x'", None), ("r1", "bun", 1.5)],
    }
