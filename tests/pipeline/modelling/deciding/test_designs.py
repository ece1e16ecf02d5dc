"""The design of documents: tables, columns, key and version."""

from __future__ import annotations

import random
from typing import Any

from pipeline.modelling.deciding.designing import design
from pipeline.modelling.flags import Flags
from tests.pipeline.modelling.deciding.plain_profiles import profiled


def restaurants(count: int = 60) -> list[dict[str, Any]]:
    """Return documents as a database exports them: a wrapped id, nested objects, arrays of objects and of scalars."""
    return [
        {
            "_id": {"$oid": f"{number:024x}"},
            "restaurant_id": f"{number:05}",
            "address": {"street": f"Street {number}", "coordinates": [1.5, number]},
            "grades": [{"grade": "A", "score": number % 7, "marks": [{"note": "x"}]} for _ in range(number % 3)],
            "updated_at": "2024-01-01T00:00:00Z",
        }
        for number in range(count)
    ]


def test_nested_objects_become_columns_and_arrays_tables() -> None:
    found = design(profiled(restaurants()), "restaurants", Flags())
    assert {found.mart(table): found.primary_key(table) for table in found.tables} == {
        "fct_restaurants": ("restaurant_id",),
        "fct_restaurants_address_coordinates": ("restaurant_id", "coordinates_number"),
        "fct_restaurants_grades": ("restaurant_id", "grades_number"),
        "fct_restaurants_grades_marks": ("restaurant_id", "grades_number", "marks_number"),
    }
    assert {column.name: (column.path, column.type) for column in found.root.columns} == {
        "restaurant_id": ("/restaurant_id", "text"),
        "id": ("/_id/$oid", "text"),
        "address_street": ("/address/street", "text"),
        "updated_at": ("/updated_at", "timestamptz"),
    }
    assert [(column.name, column.type) for column in found.table("address_coordinates").columns] == [
        ("coordinates_value", "numeric")
    ]


def test_key_and_version_are_chosen_with_evidence() -> None:
    found = design(profiled(restaurants()), "restaurants", Flags())
    assert (found.key, found.version) == (("/restaurant_id",), "/updated_at")
    evidence = {decision.about: decision.evidence for decision in found.decisions if decision.choice != "not chosen"}
    assert evidence["key"] == "60 of 60 unique; also /_id/$oid, /address/street"


def test_the_order_of_documents_changes_nothing() -> None:
    documents = restaurants()
    shuffled = random.Random(1).sample(documents, len(documents))
    assert design(profiled(documents), "restaurants", Flags()) == design(profiled(shuffled), "restaurants", Flags())
