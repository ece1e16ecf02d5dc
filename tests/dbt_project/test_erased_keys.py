"""Python reads the same key from a document as dbt: what dbt shows is what `waybill erase` finds, and bars."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loader.erasing.canonical import canonical_text, has_dashes
from loader.erasing.jsonb_text import jsonb_text, load_exact, value_hash
from loader.erasing.keys import joined
from tests.dbt_project.test_casting import ACCEPTED, REFUSED
from tests.support.dbt_command import Dbt, message
from tests.support.json_cases import NUMBERS
from warehouse.connection import connect

KINDS = [*ACCEPTED, "timestamptz in America/New_York"]
FINER = re.compile(r"[.][0-9]{6}0*[1-9]")
PARTS = 3
Compiled = dict[str, str]
ASCII = st.text(st.sampled_from("0123456789-+.eEtTzZ: "), max_size=26)
TIMES = st.from_regex(
    r"\A(000[0-3]|20[0-9]{2}|999[89])-(0[1-9]|1[0-2])-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?"
    r"(Z|z|[-+]1?[0-9](:?[0-9]0)?|)\Z"
)
NUMERALS = st.from_regex(r"\A-?[0-9]{1,12}(\.[0-9]{0,12})?(e[-+]?[0-9]{1,3})?\Z")
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner, max_size=4)
    ),
)


@pytest.fixture(scope="module")
def compiled(dbt_database: Dbt) -> Compiled:
    """Return what dbt compiles: for each type whether a text is castable and its text in a key; hash and joined key."""
    texts = {
        kind: f"{{{{ is_castable('value', '{kind}') }}}} ;; {{{{ key_text('value', '{kind}') }}}}" for kind in KINDS
    }
    texts["hash"] = "{{ value_hash('document') }}"
    for dashes in range(2**PARTS):
        parts = [f"('part_{number}', {bool(dashes >> number & 1)})" for number in range(PARTS)]
        texts[f"joined {dashes}"] = f"{{{{ joined_key([{', '.join(parts)}]) }}}}"
    result = dbt_database.run("compile", "--inline", " ;;; ".join(texts.values()))
    assert result.success, message(result)
    return dict(zip(texts, result.result.results[0].node.compiled_code.split(" ;;; "), strict=True))


@pytest.fixture(scope="module")
def ask(dbt_database: Dbt) -> Callable[[str, list[Any]], list[Any]]:
    """Return a function that runs a query with one value of `%s` and returns its column."""
    connection = connect("owner")
    connection.autocommit = True

    def answer(query: str, values: list[Any]) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(query.replace("%", "%%").replace("unnest(%%s", "unnest(%s"), [values])
            return [row[0] for row in cursor.fetchall()]

    return answer


def dbt_texts(compiled: Compiled, ask: Callable[[str, list[Any]], list[Any]], kind: str, texts: list[str]) -> list[Any]:
    is_castable, key_text = compiled[kind].split(" ;; ")
    found = ask(
        f"select case when castable then {key_text} end from (select value, {is_castable} as castable, ordinality"
        " from unnest(%s::text[]) with ordinality as t (value)) as t order by ordinality",
        texts,
    )
    is_instant = kind.startswith("timestamp") or kind == "epoch_seconds"
    return [None if is_instant and FINER.search(text) else one for text, one in zip(texts, found, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_each_spelling_is_the_same_key_in_python(compiled: Compiled, ask: Any, kind: str) -> None:
    texts = [
        *{text: 0 for one in ACCEPTED.values() for text in one},
        *{text: 0 for one in REFUSED.values() for text in one},
    ]
    expected = dict(zip(texts, dbt_texts(compiled, ask, kind, texts), strict=True))
    if kind == "time_zone":  # which zones there are does not change a text
        expected = {text: text for text in texts}
    assert {text: canonical_text(text, kind) for text in texts} == expected


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "time_zone"])
@settings(max_examples=5)
@given(st.lists(ASCII | TIMES | NUMERALS, min_size=30, max_size=60))
def test_random_spellings_are_the_same_key(compiled: Compiled, ask: Any, kind: str, texts: list[str]) -> None:
    assert [canonical_text(text, kind) for text in texts] == dbt_texts(compiled, ask, kind, texts)


@given(st.lists(VALUES, min_size=5, max_size=20))
def test_values_are_hashed_as_dbt_hashes_them(compiled: Compiled, ask: Any, values: list[Any]) -> None:
    assert_hashes(compiled, ask, [json.dumps(value, ensure_ascii=False) for value in values])


def test_each_spelling_of_a_number_is_hashed_as_by_dbt(compiled: Compiled, ask: Any) -> None:
    valid = ask(
        "select value from unnest(%s::text[]) as t (value) where pg_input_is_valid(value, 'jsonb')", NUMBERS.split()
    )
    documents = [text for text in valid if len(text) < 200 and _is_json(text)]
    nested = [f'{{"{text}": [{text}, "a{text},"], "b": {text}}}' for text in documents]
    assert len(documents) > 20
    assert_hashes(compiled, ask, [*documents, *nested, '{"aa": 1, "b": {}, "é": [], "a": {"z": null}}'])


@given(st.lists(st.text("a-~1", max_size=4), min_size=PARTS, max_size=PARTS), st.integers(0, 2**PARTS - 1))
def test_parts_are_joined_as_dbt_joins_them(compiled: Compiled, ask: Any, parts: list[str], dashes: int) -> None:
    given_parts = [part or None for part in parts]
    columns = ", ".join(f"(array_agg(value order by n))[{number + 1}] as part_{number}" for number in range(PARTS))
    query = f"select {compiled[f'joined {dashes}']} from (select {columns} from unnest(%s::text[])"
    [expected] = ask(f"{query} with ordinality as t (value, n)) as t", given_parts)
    assert joined([(part, bool(dashes >> number & 1)) for number, part in enumerate(given_parts)]) == expected


def test_only_dates_uuids_and_instants_have_dashes() -> None:
    assert {kind for kind in KINDS if has_dashes(kind)} == {
        kind for kind in KINDS if kind.startswith(("date", "uuid", "timestamp", "epoch"))
    }


def assert_hashes(compiled: Compiled, ask: Any, documents: list[str]) -> None:
    asked = "from unnest(%s::jsonb[]) with ordinality as t (document, n) order by n"
    assert [jsonb_text(load_exact(document)) for document in documents] == ask(
        f"select document::text {asked}", documents
    )
    assert [value_hash(load_exact(document)) for document in documents] == ask(
        f"select ({compiled['hash']})::text {asked}", documents
    )


def _is_json(text: str) -> bool:
    try:
        load_exact(text)
    except ValueError:
        return False
    return True
