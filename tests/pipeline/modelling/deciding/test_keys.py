"""Which fields are the key and the version, and the evidence for the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.design import Design
from pipeline.modelling.flags import Flags
from tests.pipeline.modelling.deciding.plain_profiles import profiled


def designed(documents: list[dict[str, Any]], **flags: Any) -> Design:
    return design(profiled(documents), "things", Flags(**flags))


def at(minute: int) -> str:
    return f"2024-01-01T00:{minute:02}:00Z"


@pytest.mark.parametrize(
    ("documents", "key"),
    [
        ([{"row": n, "at": at(n), "product_code": f"{n}{'x' * 9}"} for n in range(9)], ("/product_code",)),
        ([{"name": f"a long name {n}", "x": {"id": n}} for n in range(9)], ("/x/id",)),
        ([{"at": at(n), "height": n * 7} for n in range(9)], ("/height",)),
        ([{"station_id": n % 3, "at": at(n // 3), "height": n * 7} for n in range(9)], ("/station_id", "/at")),
        ([{"_id": {"$oid": f"{n:024}"}, "note": f"note {n}"} for n in range(9)], ("/_id/$oid",)),
        ([{"at": at(n), "note": "same"} for n in range(9)], ("/at",)),
        ([{"a": 1.5, "b": None}], ("value",)),
        ([{"a": 1}, {"a": 1, "b": 2}], ("value",)),
    ],
)
def test_the_most_stable_key_is_chosen(documents: list[dict[str, Any]], key: tuple[str, ...]) -> None:
    assert designed(documents).key == key


def test_near_misses_are_shown_with_their_values() -> None:
    documents = [{"id": max(n, 1), "code": f"c{n}"} for n in range(9)]
    misses = [each for each in designed(documents).decisions if each.choice == "not chosen"]
    assert [(each.evidence, each.examples) for each in misses] == [("/id: 1 of 9 repeat a value", "[1] 2 times")]


def test_a_document_delivered_twice_does_not_spoil_a_key() -> None:
    assert designed([{"id": 1, "a": 1}, {"id": 1, "a": 1}, {"id": 2, "a": 1}]).key == ("/id",)


def test_a_version_explains_an_id_that_repeats() -> None:
    documents = [{"id": n if n < 8 else 7, "updated_at": at(n), "x": 1} for n in range(10)]
    found = designed(documents)
    assert (found.key, found.version) == (("/id",), "/updated_at")
    evidence = next(each.evidence for each in found.decisions if each.about == "version")
    assert evidence == "8 keys in 10 documents, unique together with /updated_at"


def test_mostly_repeated_ids_are_part_of_a_key() -> None:
    documents = [{"station_id": n % 2, "updated_at": at(n)} for n in range(10)]
    assert set(designed(documents).key) <= {"/station_id", "/updated_at"}
    assert designed(documents).key != ("/station_id",)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ({"updated_at": at(1)}, "/updated_at"),
        ({"lastModified": at(1)}, "/lastModified"),
        ({"meta": {"version": 3}}, "/meta/version"),
        ({"modified": {"$date": at(1)}}, "/modified/$date"),
        ({"_ts": 1}, "/_ts"),
        ({"version": "1.0.2"}, "delivery"),
        ({"updated_at": None}, "delivery"),
        ({"created_at": at(1)}, "delivery"),
    ],
)
def test_a_version_is_a_time_or_number_in_all(version: dict[str, Any], expected: str) -> None:
    assert designed([{"id": n, **version} for n in range(3)]).version == expected


def test_a_field_that_withdraws_is_proposed_and_not_declared() -> None:
    found = designed([{"id": n, "status": "deleted" if n == 1 else "open"} for n in range(3)])
    hint = next(each for each in found.decisions if each.about == "withdrawn_when")
    assert found.withdrawn_when is None
    assert (hint.choice, hint.evidence) == ("not declared", "1 document with such a value")
    assert hint.flag == "withdrawn_when: {/status: [deleted]} in the declaration"


def test_the_user_chooses_key_and_version() -> None:
    documents = [{"id": n, "part": {"n": n % 2}, "at": at(n)} for n in range(4)]
    found = designed(documents, key=("/part/n", "/id"), version="/at")
    assert (found.key, found.key_columns, found.version) == (("/part/n", "/id"), ("part_n", "id"), "/at")
    assert [column.name for column in found.root.columns][:2] == ["part_n", "id"]
    assert designed(documents, key=("value",)).key_columns == ("things_key",)


@pytest.mark.parametrize(
    ("flags", "wrong"),
    [
        ({"key": ("/nope",)}, "--key /nope: no document has this field"),
        ({"key": ("/list",)}, "this field is array"),
        ({"key": ("/ratio",)}, "this field is decimal"),
        ({"version": "/nope"}, "--version /nope: no document has this field"),
        ({"version": "/list"}, "--version /list: a version is a time, number or text"),
        ({"left_out": {"/id": "x"}}, "--leave-out /id: /id is key or version"),
        ({"json": ("/id",), "key": ("/id",)}, "/id"),
        ({"types": {"/ratio": "date"}}, "at least 2 of 2 values cannot be cast"),
        ({"types": {"/ratio": "money"}}, "the types are bigint, boolean"),
        ({"types": {"/rato": "text"}}, "did you mean /ratio?"),
        ({"maps": ("/id",)}, "--map /id: only objects are maps, and the values there are integer"),
    ],
)
def test_a_flag_that_does_not_fit_is_refused(flags: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ModellingRefused) as refused:
        designed([{"id": 1, "list": [1], "ratio": 0.5}, {"id": 2, "list": [1], "ratio": 0.25}], **flags)
    assert wrong in str(refused.value)
    assert "\n" not in str(refused.value)


def test_documents_that_are_no_objects_are_refused() -> None:
    with pytest.raises(ModellingRefused, match="no document is an object"):
        designed([{}])


def test_a_chosen_key_that_repeats_says_so() -> None:
    documents = [{"id": n, "model": f"m{n % 3}"} for n in range(9)]
    profile = replace(profiled(documents), keys=())  # a field that repeats in most documents is given up
    decided = design(profile, "things", Flags(key=("/model",))).decisions
    assert next(each.evidence for each in decided if each.about == "key") == (
        "as the flag says: 3 different values in 9 documents; of each, only the newest document is in the mart"
    )
