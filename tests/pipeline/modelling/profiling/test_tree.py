"""The tree of a profile: exact counts for any documents, whatever their order and the sizes of chunks."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pipeline.modelling.profiling.profile import MAX_DEPTH, MAX_MEMBERS, Node, Profile
from pipeline.modelling.profiling.profiling import profile
from tests.pipeline.modelling.profiling import oracle

NAMES = some.sampled_from(["a", "b", "userId", "user_id", "", "a.b", "a/b", "~", "é", "$oid", "*"])
NUMBERS = some.one_of(
    some.integers(-10, 10),
    some.integers(-(2**70), 2**70),
    some.decimals(-1000, 1000, allow_nan=False, places=3),
    some.decimals(-1, 1, allow_nan=False, places=25),
)
TEXTS = some.one_of(some.text(some.characters(codec="utf-8", exclude_characters="\0"), max_size=5), some.just("NA"))
SCALARS = some.one_of(some.none(), some.booleans(), NUMBERS, TEXTS)
VALUES = some.recursive(
    SCALARS,
    lambda below: some.one_of(some.lists(below, max_size=3), some.dictionaries(NAMES, below, max_size=3)),
    max_leaves=12,
)
DOCUMENTS = some.lists(some.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=12)


def spelled(value: Any) -> str:
    """Return the JSON text of a value, with each number in full."""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(name)}: {spelled(member)}' for name, member in value.items())}}}"
    return f"[{', '.join(map(spelled, value))}]" if isinstance(value, list) else json.dumps(value)


def profile_of(folder: Path, *lines: str, **flags: Any) -> Profile:
    """Profile documents that are the lines of one file."""
    path = folder / "documents.ndjson"
    path.write_text("\n".join(lines), encoding="utf-8")
    return profile("things", [path], **flags)


@given(documents=DOCUMENTS)
def test_every_count_is_that_of_a_plain_count(documents: list[dict[str, Any]], tmp_path: Path) -> None:
    lines = [spelled(document) for document in documents]
    found = profile_of(tmp_path, *lines, layout="ndjson")
    exact = [json.loads(line, parse_int=Decimal, parse_float=Decimal) for line in lines]
    oracle.check(found.root, list(enumerate(exact)), len(exact))


@given(documents=DOCUMENTS, seed=some.integers(0, 1000), chunk=some.integers(1, 4))
def test_no_order_and_no_chunk_shows_in_a_profile(
    documents: list[dict[str, Any]], seed: int, chunk: int, tmp_path: Path
) -> None:
    lines = [spelled(document) for document in documents]
    first = profile_of(tmp_path, *lines, layout="ndjson")
    random.Random(seed).shuffle(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.modelling.profiling.reading.chunks.MAX_DOCUMENTS", chunk)
        patch.setattr("pipeline.modelling.profiling.keys.watching.MAX_WATCHED", seed % 5)
        second = profile_of(tmp_path, *lines, layout="ndjson")
    assert repr(first.root) == repr(second.root)
    assert (first.keys, first.repeated, first.other_kinds) == (second.keys, second.repeated, second.other_kinds)


def test_numbers_are_compared_exactly(tmp_path: Path) -> None:
    texts = ["9007199254740993", "12345678901234567890123", "0.1000000000000000055", "1e2", "1.50", "-0.0", "1E400"]
    numbers = profile_of(tmp_path, *(f'{{"n": {text}}}' for text in texts)).root.members["n"]
    assert numbers.kinds == {"integer": 5, "decimal": 2}
    assert numbers.numbers.highest == Decimal("1e400")
    assert (numbers.numbers.max_scale, numbers.numbers.max_digits, numbers.numbers.not_doubles) == (19, 401, 4)
    assert numbers.distinct is not None
    assert {"0", "100", "1.5", "9007199254740993", "0.1000000000000000055"} < set(numbers.distinct)


def test_sums_do_not_depend_on_order(tmp_path: Path) -> None:
    lines = [f'{{"n": {text}}}' for text in ("1e15", "0.1", "-1e15", "0.2", "3")]
    sums = {profile_of(tmp_path, *order).root.members["n"].numbers.sum for order in (lines, lines[::-1])}
    assert sums == {3.3}


def test_one_hundred_different_values_are_kept_and_no_more(tmp_path: Path) -> None:
    kept = profile_of(tmp_path, *(f'{{"n": {number % 100}}}' for number in range(200))).root.members["n"].distinct
    assert kept is not None
    assert set(kept.values()) == {2}
    assert profile_of(tmp_path, *(f'{{"n": {number}}}' for number in range(101))).root.members["n"].distinct is None


def test_too_many_names_are_collapsed_with_exact_counts(tmp_path: Path) -> None:
    many = ", ".join(f'"{number}": {{"value": {number}}}' for number in range(MAX_MEMBERS))
    lines = [
        '{"map": {"x": {"value": 1, "note": "n"}, "y": {"value": 2}}}',
        f'{{"map": {{{many}, "last": null}}}}',
        "{}",
    ]
    for order in (lines, lines[::-1]):
        found = profile_of(tmp_path, *order).root.members["map"]
        assert (found.is_collapsed, found.members, found.member_counts) == (True, {}, MAX_MEMBERS + 3)
        member = found.any_member
        assert member
        assert (member.documents, member.parents) == (2, MAX_MEMBERS + 3)
        assert member.kinds == {"null": 1, "object": MAX_MEMBERS + 2}
        assert {name: below.documents for name, below in member.members.items()} == {"note": 1, "value": 2}


def test_what_is_too_deep_is_counted_and_not_entered(tmp_path: Path) -> None:
    node: Node | None = profile_of(tmp_path, '{"a":' * 200 + "1" + "}" * 200, '{"a": 1}').root
    levels = 0
    while node and node.members:
        node, levels = node.members["a"], levels + 1
    assert (levels, node.is_too_deep if node else None) == (MAX_DEPTH, True)


def test_two_thousand_names_are_profiled_one_by_one(tmp_path: Path) -> None:
    found = profile_of(tmp_path, *(f'{{"name{number}": {number}, "id": {number}}}' for number in range(2_000)))
    assert len(found.root.members) == 2_001
    assert found.keys[0].pointers == ("/id",)
    assert not found.root.is_collapsed
