"""Columns whose values are keys of a mart refer to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.modelling.deciding.designing import design
from pipeline.modelling.deciding.references.detection import with_references
from pipeline.modelling.design import Design, Reference
from pipeline.modelling.flags import Flags
from pipeline.modelling.printing import decided_lines
from tests.pipeline.modelling.deciding.plain_profiles import profiled

CODES = [f"C{number:03}" for number in range(200)]


@dataclass
class Mart:
    """A mart with these keys."""

    keys: Sequence[str]
    name: str = "dim_carriers"
    column: str = "carrier_id"
    type: str = "text"
    asked: list[int] = field(default_factory=list)

    @property
    def is_dimension(self) -> bool:
        return self.name.startswith("dim_")

    def known(self, values: Sequence[str]) -> set[str]:
        self.asked.append(len(values))
        return set(values).intersection(self.keys)


def referring(documents: list[dict[str, Any]], *marts: Mart) -> Design:
    """Return the design of documents, which are read again for columns with many values."""
    profile = profiled(documents)

    def read(paths: Sequence[str]) -> dict[str, set[str]]:
        return {path: {str(document[path[1:]]) for document in documents if path[1:] in document} for path in paths}

    return with_references(design(profile, "trips", Flags()), profile, marts, read)


def references(found: Design) -> dict[str, Reference]:
    return {column.path: column.reference for table in found.tables for column in table.columns if column.reference}


def test_all_or_nearly_all_values_are_keys() -> None:
    documents = [{"id": number, "by": code} for number, code in enumerate([*CODES[:40], "X"])]
    found = referring(documents, Mart(CODES))
    assert references(found) == {"/by": Reference("dim_carriers", "carrier_id", True, values=41, orphans=1)}
    decided = next(each for each in found.decisions if each.about == "/by")
    assert decided.choice == "refers to dim_carriers.carrier_id"
    assert decided.evidence == "40 of 41 different values are keys there"


def test_many_values_are_read_again() -> None:
    documents = [{"id": number, "by": code} for number, code in enumerate(CODES)]
    assert references(referring(documents, Mart(CODES)))["/by"].values == 200


def test_a_few_codes_are_keys_only_if_the_names_agree() -> None:
    documents = [{"id": number, "grade": CODES[number % 3], "carrier": CODES[number % 3]} for number in range(9)]
    assert list(references(referring(documents, Mart(CODES)))) == ["/carrier"]


def test_whole_numbers_are_keys_only_if_the_names_agree() -> None:
    documents = [{"id": f"a{number}", "score": number, "carrierId": number} for number in range(50)]
    mart = Mart([str(number) for number in range(100)], type="bigint", name="fct_carriers")
    found = references(referring(documents, mart))
    assert found == {"/carrierId": Reference("fct_carriers", "carrier_id", False, values=50, orphans=0)}


def test_too_many_orphans_or_another_type_are_no_reference() -> None:
    documents = [{"id": number, "carrier": code} for number, code in enumerate([*CODES[:40], *"abcdef"])]
    assert references(referring(documents, Mart(CODES), Mart(CODES, type="bigint"))) == {}


def test_a_dimension_needs_room_for_the_keys_that_it_lacks() -> None:
    numbers = [*map(str, range(100)), str(2**40)]
    documents = [{"id": f"a{number}", "carrierId": int(number)} for number in numbers]
    assert references(referring(documents, Mart(numbers[:-1], type="integer"))) == {}
    assert list(references(referring(documents, Mart(numbers[:-1], type="bigint")))) == ["/carrierId"]


def test_of_several_marts_the_name_decides_then_the_orphans() -> None:
    documents = [{"id": number, "carrier": code} for number, code in enumerate([*CODES[:40], "X"])]
    others = [Mart([*CODES, "X"], name="dim_codes", column="code"), Mart(CODES)]
    assert references(referring(documents, *others))["/carrier"].mart == "dim_carriers"
    unnamed = [{"id": number, "by": document["carrier"]} for number, document in enumerate(documents)]
    assert references(referring(unnamed, *others))["/by"].mart == "dim_codes"


def test_documents_refer_to_each_other() -> None:
    documents: list[dict[str, Any]] = [
        {"trip_id": f"t{number}", "previous_trip": f"t{number - 1}"} for number in range(150)
    ]
    del documents[70]["previous_trip"]
    found = references(referring(documents))
    assert found == {"/previous_trip": Reference("fct_trips", "trip_id", False, values=149, orphans=1)}


def test_another_key_of_the_documents_refers_to_nothing() -> None:
    documents = [{"user_id": number, "trip_no": 150 - number} for number in range(1, 150)]
    assert references(referring(documents)) == {}


def test_the_output_names_the_mart_of_a_reference() -> None:
    documents = [{"id": number, "by": code} for number, code in enumerate([*CODES[:40], "X"])]
    lines = list(decided_lines(referring(documents, Mart(CODES))))
    assert "        refers to dim_carriers.carrier_id: 40 of 41 different values are keys there" in lines


def test_the_marts_of_the_source_itself_are_not_looked_at() -> None:
    documents = [{"id": number, "by": code} for number, code in enumerate(CODES)]
    mart = Mart(CODES, name="fct_trips")
    assert references(referring(documents, mart)) == {}
    assert mart.asked == []
