"""Key candidates: exactly unique fields in the order of preference, near misses with their repeated values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from pipeline.modelling.profiling.keys.hashes import combined, hash_documents, hash_values
from pipeline.modelling.profiling.profile import KeyCandidate, Profile
from pipeline.modelling.profiling.profiling import profile

ROWS = 60


def profile_of(folder: Path, *documents: dict[str, Any] | str) -> Profile:
    """Profile documents that are the lines of one file."""
    path = folder / "documents.ndjson"
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in documents))
    return profile("things", [path])


def pointers_of(found: Profile) -> list[tuple[str, ...]]:
    """Return the pointers of the unique candidates."""
    return [key.pointers for key in found.keys if key.is_unique]


def test_ids_come_first_then_codes_and_times_come_last(tmp_path: Path) -> None:
    found = profile_of(
        tmp_path,
        *(
            {
                "at": f"2024-01-01T10:00:{number:02}Z",
                "row": number + 1,
                "code": f"C{number}",
                "temperature": (number * 37) % 101,
                "_id": {"$oid": f"{number:024x}"},
                "thing_id": f"T{number}",
                "ratio": number / 7,
            }
            for number in range(ROWS)
        ),
    )
    assert pointers_of(found) == [("/thing_id",), ("/_id/$oid",), ("/code",), ("/at",), ("/temperature",), ("/row",)]


def test_a_document_that_is_repeated_as_a_whole_counts_once(tmp_path: Path) -> None:
    found = profile_of(
        tmp_path, '{"id": 1, "n": 1.0}', '{"n": 1, "id": 1}', '{"id": 1.0, "n": 1e0}', '{"id": 2, "n": 1}'
    )
    assert (found.documents, found.repeated) == (4, 2)
    assert found.keys == (KeyCandidate(("/id",), 2, 0),)


def test_a_near_miss_names_the_keys_that_repeat(tmp_path: Path) -> None:
    documents = [{"id": number, "note": f"n{number % 7}"} for number in range(ROWS)]
    more = [{"id": 5, "note": "other"}, {"id": 5, "note": "third"}, {"id": 9, "note": "other"}]
    found = profile_of(tmp_path, *documents, *more)
    (near,) = [key for key in found.keys if key.pointers == ("/id",)]
    assert (near.documents, near.repeats, near.examples) == (ROWS + 3, 3, (("[5]", 3), ("[9]", 2)))
    assert pointers_of(found)[0] == ("/id", "/note")


def test_several_fields_are_found_if_one_is_not_enough(tmp_path: Path) -> None:
    pairs = [{"station": f"S{a}", "hour": b, "wind": 1.5} for a in range(9) for b in range(9)]
    assert pointers_of(profile_of(tmp_path, *pairs)) == [("/hour", "/station")]
    threes = [{"line": a, "stop": b, "day": f"2024-01-0{c + 1}"} for a in range(5) for b in range(5) for c in range(5)]
    assert pointers_of(profile_of(tmp_path, *threes)) == [("/day", "/stop", "/line")]


def test_an_id_with_its_version_is_unique(tmp_path: Path) -> None:
    documents = [
        {"id": number % 40, "updated_at": f"2024-01-01T10:{number:02}:00Z", "name": "n"} for number in range(ROWS)
    ]
    found = profile_of(tmp_path, *documents)
    assert ("/id", "/updated_at") in pointers_of(found)
    assert [key.repeats for key in found.keys if key.pointers == ("/id",)] == [20]


@pytest.mark.parametrize("value", [None, "", 1.5, {}, [1], True, "x" * 201, "5"])
def test_a_field_that_cannot_be_a_key_is_no_candidate(value: Any, tmp_path: Path) -> None:
    found = profile_of(tmp_path, *({"id": number} for number in range(5)), {"id": value}, {"id": 9, "more": 1})
    assert found.keys == ()


def test_a_field_that_is_absent_once_is_no_candidate(tmp_path: Path) -> None:
    assert profile_of(tmp_path, {"id": 1}, {"id": 2}, {"name": "x"}).keys == ()


def test_no_order_shows_in_large_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [{"a": number % 97, "b": number % 89, "c": number % 50, "d": number // 8000} for number in range(8_600)]
    documents.append({"a": 1, "b": 1, "c": 7, "d": 5})
    first = profile_of(tmp_path, *documents)
    monkeypatch.setattr("pipeline.modelling.profiling.keys.counting.ROWS_AT_A_TIME", 1_000)
    monkeypatch.setattr("pipeline.modelling.profiling.reading.chunks.MAX_DOCUMENTS", 700)
    second = profile_of(tmp_path, *documents[::-1])
    assert first.keys == second.keys
    assert pointers_of(first) != []


@given(some.lists(some.one_of(some.integers(-(2**66), 2**66), some.text(max_size=3)), min_size=1))
def test_hashes_are_equal_only_for_equal_values(values: list[Any]) -> None:
    for kind in (int, str):
        of_kind = [value for value in values if type(value) is kind]
        if of_kind:
            together = hash_values(of_kind)
            assert len(np.unique(together, axis=0)) == len(set(of_kind))
            assert (together == np.concatenate([hash_values([value]) for value in of_kind])).all()


def test_fields_are_not_mixed_up_in_a_combination() -> None:
    one, two = hash_values(["a", "b"]), hash_values(["b", "a"])
    assert len(np.unique(combined([one, two]), axis=0)) == 2
    assert (combined([one, two]) != combined([two, one])).all()


def test_documents_of_any_depth_have_a_hash() -> None:
    deep: Any = 1
    for _ in range(600):
        deep = [deep]
    hashes = hash_documents([{"a": deep}, {"a": [deep]}, {"a": deep}])
    assert (hashes[0] == hashes[2]).all()
    assert (hashes[0] != hashes[1]).any()
