"""The written models build, and follow their documents through every kind of delivery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loader.landing.raw_tables import make_raw_tables
from loader.undo.undo import undo
from tests.support.databases import fresh_database
from tests.support.dbt_command import failures, query
from tests.support.landing import land
from tests.support.own_sources.designs import restaurants, write_project
from tests.support.own_sources.project import OwnProject

Document = dict[str, Any]
COLUMNS = {
    "": "restaurant_id, name, seats, address_street, address_coord",
    "_grades": "restaurant_id, grades_number, grade, score",
    "_grades_marks": "restaurant_id, grades_number, marks_number, marks_value::float",
    "_cuisines": "restaurant_id, cuisines_number, cuisines_value",
    "_menu_prices": "restaurant_id, prices_name, prices_value",
}
UNTESTED = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: None) -> Iterator[OwnProject]:
    project = write_project(tmp_path, monkeypatch, restaurants())
    with fresh_database():
        make_raw_tables()
        yield project


def restaurant(key: str = "r1", day: int = 1, **values: Any) -> Document:
    document = {
        "restaurant_id": key,
        "name": "Morris",
        "seats": 20,
        "status": "open",
        "address": {"street": "Park Ave", "coord": [1, 2.5]},
        "updated_at": f"2020-01-0{day}T00:00:00Z",
        "grades": [grade("A", 2, 1, 2.5), grade("A", 2), None],
        "cuisines": ["Bakery", "Bakery", None, ""],
        "menu": {"prices": {"bun": 1.5, "EUR 'x'": None}},
    }
    return document | values


def grade(letter: str, score: Any, *marks: Any) -> Document:
    return {"grade": letter, "score": score, "date": {"$date": "2014-03-03T00:00:00Z"}, "marks": list(marks)}


def found() -> dict[str, list[tuple[Any, ...]]]:
    rows = {name: query(f"select {columns} from marts.fct_restaurants{name}") for name, columns in COLUMNS.items()}
    return {name: sorted(found, key=str) for name, found in rows.items()}


def expected(*documents: Document) -> dict[str, list[tuple[Any, ...]]]:
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
    for one in documents:
        key, address = one["restaurant_id"], one["address"] or {}
        rows[""].append((key, one["name"], one["seats"], address.get("street"), address.get("coord")))
        for number, element in enumerate(one["grades"] or [], start=1):
            element = element or {}
            rows["_grades"].append((key, number, element.get("grade"), element.get("score")))
            marks = enumerate(element.get("marks", []), start=1)
            rows["_grades_marks"] += [(key, number, place, mark) for place, mark in marks]
        rows["_cuisines"] += [(key, number, name) for number, name in enumerate(one["cuisines"] or [], start=1)]
        rows["_menu_prices"] += [(key, name, price) for name, price in one["menu"].get("prices", {}).items()]
    return {name: sorted(found, key=str) for name, found in rows.items()}


def build(project: OwnProject, *arguments: str) -> None:
    built = project.run("build", *arguments)
    assert built.success, built.exception or failures(built)


def run(project: OwnProject, *arguments: str) -> None:
    built = project.run("run", *arguments)
    assert built.success, built.exception or failures(built)


def test_child_rows_follow_their_documents(project: OwnProject) -> None:
    one, two, gone = restaurant(), restaurant("r2", grades=None, cuisines=[], menu={}, address=None), restaurant("r3")
    land("restaurants", one, two, gone)
    build(project)
    assert found() == expected(one, two, gone)

    shorter = restaurant(day=2, grades=[grade("B", 5, 7)], cuisines=["Bar", *"abcd"], menu={"prices": {"bun": 2}})
    longer = restaurant("r2", 2, grades=[grade("C", 0, 4), grade("A", 1, 1, 2, 3)])
    changes = land("restaurants", shorter, longer, restaurant("r3", 3, status="closed"), shorter, one)
    run(project)
    assert found() == expected(shorter, longer)

    land("restaurants", restaurant(day=1, name="older", grades=[]), longer)
    build(project)
    assert found() == expected(shorter, longer)

    undo(str(changes))
    run(project)
    older = next(row for row in found()[""] if row[0] == "r1")
    assert found() == expected(one if older[1] == "Morris" else restaurant(name="older", grades=[]), longer, gone)

    land("restaurants", shorter, restaurant("r4"))
    build(project)
    assert found() == expected(shorter, longer, gone, restaurant("r4"))
    run(project, "--full-refresh")
    assert found() == expected(shorter, longer, gone, restaurant("r4"))
    build(project)


def test_marts_can_be_built_one_by_one(project: OwnProject) -> None:
    one, two = restaurant(), restaurant("r2")
    land("restaurants", one)
    run(project)
    newer = restaurant(day=2, grades=[grade("B", 5, 7)], cuisines=[])
    land("restaurants", newer, two)
    run(project, "-s", "int_restaurants_deduplicated")
    for child in ("fct_restaurants_grades_marks", "fct_restaurants_grades", "fct_restaurants_cuisines"):
        run(project, "-s", child)
        run(project, "-s", child, "--full-refresh")
        assert found() == expected(one)
    run(project, "-s", "fct_restaurants")
    run(project, "-s", "fct_restaurants_grades_marks")
    run(project, "-s", "fct_restaurants_grades")
    run(project, "-s", "fct_restaurants", "--full-refresh")
    build(project, "-s", "tag:restaurants")
    assert found() == expected(newer, two)


def test_a_document_goes_with_its_child_rows(project: OwnProject) -> None:
    one, two = restaurant(), restaurant("r2")
    batch = land("restaurants", one)
    land("restaurants", two)
    run(project)
    undo(str(batch))
    run(project)
    assert found() == expected(two)
    land("restaurants", restaurant("r2", 2, status="closed"))
    run(project, "-s", "int_restaurants_deduplicated", "fct_restaurants")
    assert found() == expected()
    build(project)


BROKEN: list[tuple[Document, str]] = [
    ({"grades": [grade("A", 1), grade("B", "high")]}, 'grades_number 2: score: "high" is not a whole number'),
    ({"grades": {"grade": "A"}}, '/grades: {"grade": "A"} is not an array'),
    (
        {"grades": ["A", grade({"is": "A"}, 1), grade("A", 1, "x", {})]},
        'grades_number 1: "A" is not an object; grades_number 2: grade: "{\\"is\\": \\"A\\"}" is not a text; '
        'grades_number 3, marks_number 1: marks_value: "x" is not a decimal number; '
        'grades_number 3, marks_number 2: marks_value: "{}" is not a decimal number',
    ),
    ({"cuisines": [["Bakery"], 5]}, 'cuisines_number 1: cuisines_value: "[\\"Bakery\\"]" is not a text'),
    ({"menu": {"prices": {"EUR 'x'": "dear"}}}, "prices_name EUR 'x': prices_value: \"dear\" is not a number"),
    ({"menu": {"prices": {"n" * 201: 1}}}, f"prices_name {'n' * 100}: prices_name: is longer than 200 characters"),
    ({"menu": {"prices": [1]}}, "/menu/prices: [1] is not an object"),
    ({"menu": "none"}, '/menu: "none" is not an object'),
    ({"address": "Park Ave"}, '/address: "Park Ave" is not an object'),
    (
        {"cuisines": [{}] * 9},
        "; ".join(f'cuisines_number {n}: cuisines_value: "{{}}" is not a text' for n in range(1, 6)) + "; and 4 more",
    ),
    ({"grades": [grade("A", 1) | {"date": "2014"}]}, 'grades_number 1: /date: "2014" is not an object'),
]


def test_a_child_that_does_not_cast_is_a_reason(project: OwnProject) -> None:
    good = restaurant("good")
    land("restaurants", good, *(restaurant(f"r{number}", **values) for number, (values, _) in enumerate(BROKEN)))
    build(project)
    assert found() == expected(good)
    reasons = "select outcome_reason from intermediate.int_restaurants_deduplicated where outcome = 'uncastable'"
    assert query(f"{reasons} order by _position") == [reason for _, reason in BROKEN]
