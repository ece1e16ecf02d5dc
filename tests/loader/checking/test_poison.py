"""Whatever a document raises while it is checked, it is that document's reject: the documents beside it land."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import loader.checking.checker
import loader.checking.contracts
from loader.checking.checker import Checker
from loader.checking.contracts import Contract, read_contract
from loader.declarations import read_source
from loader.landing.batch import Batch
from loader.landing.chunks import fill
from loader.landing.feeds import Feed, FileFeed
from loader.reading.byte_ranges import START
from loader.reading.framing import frames
from tests.loader.checking.test_contracts import SCHEMAS, VALUES
from tests.loader.conftest import CONTRACT
from tests.support.documents import document

LIMIT = 1 << 20
NESTING: dict[str, Callable[[bytes, int], bytes]] = {
    "arrays": lambda inner, depth: b"[" * depth + inner + b"]" * depth,
    "objects": lambda inner, depth: b'{"a":' * depth + inner + b"}" * depth,
    "both": lambda inner, depth: b'[{"a":' * (depth // 2) + inner + b"}]" * (depth // 2),
    "broken": lambda inner, depth: b"[" * depth + inner,
}
INNER = [b"1", b"1e400", rb'"\u0000"', rb'"\ud800"', rb'{"\ud800": 1}', rb'{"\u0000": 1}', b'"' + b"x" * 100_000 + b'"']
DEPTHS = [200, 254, 255, 256, 257, 328, 500, 900, 990, 1000, 1022, 1023, 1024, 1025, 2000, 100_000]


def filled(contract: Contract, *documents: bytes) -> Batch[Feed]:
    """Return a batch of the documents, as the loader makes it of a file or a poll."""
    feed = FileFeed(None, contract, LIMIT, input_file=None, pattern=None)  # type: ignore[arg-type]
    batch: Batch[Any] = Batch(feed, START)
    fill(batch, iter([(position, 0, raw) for position, raw in enumerate(documents, start=1)]), sys.maxsize)
    return batch


def positions(batch: Batch[Any]) -> tuple[list[int], dict[int, str]]:
    """Return the positions that would be landed, and position → reason of the others."""
    return [position for position, _ in batch.documents()], {
        found.position: found.reason.code for found in batch.rejects
    }


@pytest.mark.parametrize("where", ["id", "nested", "unknown", None])
@pytest.mark.parametrize("shape", NESTING)
def test_deep_values_anywhere_stop_no_other_document(shape: str, where: str | None) -> None:
    values = [NESTING[shape](inner, depth) for inner in INNER for depth in DEPTHS]
    beside = b'{"id": "x", "updated_at": "", "%s": %s}'
    poison = [beside % (where.encode(), value) if where else value for value in values]
    documents = [raw for value in poison for raw in (document(1), value)] + [document(2)]
    landed, reasons = positions(filled(Contract(CONTRACT, ""), *documents))
    assert set(range(1, len(documents) + 1, 2)) <= set(landed)
    assert {*landed, *reasons} == set(range(1, len(documents) + 1))
    assert set(reasons.values()) <= {"not_json", "not_storable", "breaks_contract"}


@pytest.mark.parametrize("depth", [255, 256, 300, 900, 1020])
def test_a_deep_value_that_breaks_the_contract_is_called_so(depth: int) -> None:
    deep = NESTING["arrays"](b"", depth)
    schemas: list[dict[str, Any]] = [{"type": "object"}, {"not": {}}, {"const": 1}, {"enum": [[]]}, {"maxItems": 0}]
    for schema in schemas:
        (reject,) = filled(Contract(schema, ""), deep).rejects
        assert reject.reason.code == "breaks_contract"
        assert len(reject.reason.detail) < 300
    assert positions(filled(Contract({"properties": {"a": {}}}, ""), b'{"a": %s, "b": %s}' % (deep, deep))) == ([1], {})


class PanicException(BaseException):
    """Named like what a library in Rust raises where it would have aborted."""


ERRORS = [ValueError, RecursionError, MemoryError, OverflowError, UnicodeError, KeyError, PanicException]
POISON = rb'{"id": "poison", "updated_at": "", "x": "\u0000"}'


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    "step", ["loads", "knows_all", "breach", "unknown_fields", "_texts"]
)  # parse, fast check, contract, walk through the fields, search for NUL
def test_an_error_at_any_step_is_the_documents_reject(
    step: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = Contract(CONTRACT, "")
    raw = POISON if step == "_texts" else POISON.replace(rb"\u0000", b"")

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(value: Any) -> Any:
            if value == raw or (isinstance(value, dict) and value.get("id") == "poison"):
                raise error("injected \ud800\x00" + "long " * 1000)
            return real(value)

        return call

    owner = {"loads": orjson, "_texts": loader.checking.checker}.get(step, contract)
    monkeypatch.setattr(owner, step, failing(getattr(owner, step)))
    batch = filled(contract, document(1), raw, document(2, more=1))
    assert positions(batch) == ([1, 3], {2: "not_storable"})
    assert batch.drift == {("/more", "integer"): 1}
    (reject,) = batch.rejects
    assert reject.reason.detail.startswith(f"cannot be checked: {error.__name__}: ")
    assert len(reject.reason.detail) < 300


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_signal_during_a_check_is_no_reject(error: type[BaseException]) -> None:
    contract = Contract(CONTRACT, "")

    def interrupted(value: Any) -> bool:
        raise error

    contract.knows_all = interrupted
    with pytest.raises(error):
        filled(contract, document(1))
    with pytest.raises(error):
        Checker(contract, LIMIT, Counter()).check(document(1))


def test_an_error_while_an_array_is_framed_hides_no_element(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source / "a.json").write_bytes(b"[" + document(1) + b"," + POISON + b"," + document(2) + b"]")
    real = orjson.loads

    def failing(raw: bytes) -> Any:
        if b"poison" in raw:
            raise RuntimeError("injected")
        return real(raw)

    from loader.reading.input_files import identify
    from loader.reading.streams import open_stream

    things, file = read_source("things"), identify(source / "a.json")
    feed = FileFeed(things, read_contract(things), LIMIT, input_file=file, pattern=things.files[1])
    batch: Batch[FileFeed] = Batch(feed, START)
    monkeypatch.setattr(orjson, "loads", failing)
    with open_stream(file) as stream:
        fill(batch, frames(stream, feed.pattern, LIMIT, START), sys.maxsize)
    assert positions(batch) == ([1, 3], {2: "not_storable"})


@pytest.mark.parametrize("pattern", [r"^(a|a)*\1$", r"^(?=(a+)+$)\w", r"(x+x+)+\1y"])
def test_a_pattern_that_backtracks_without_end_is_a_breach(pattern: str) -> None:
    contract = Contract({"properties": {"a": {"pattern": pattern}}, "patternProperties": {pattern: {}}}, "")
    _, reasons = positions(filled(contract, orjson.dumps({"a": "a" * 5_000 + "x" * 5_000})))
    assert reasons == {1: "breaks_contract"}


JSON_TEXTS = st.recursive(
    st.sampled_from(
        [
            b"1",
            b"null",
            b"1e400",
            b"-1e309",
            b"1e-400",
            b"9" * 5_000,
            b'"\\u0000"',
            b'"\\ud800"',
            b'"x"',
            b"NaN",
            b"\xff",
        ]
    )
    | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: b"[" + b",".join(parts) + b"]")
        | st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c", b"\\u0000", b"\\udead"]), inner), max_size=3).map(
            lambda parts: b"{" + b",".join(b'"%s":%s' % part for part in parts) + b"}"
        )
        | st.tuples(inner, st.sampled_from(sorted(NESTING)), st.sampled_from(DEPTHS[:-1])).map(
            lambda parts: NESTING[parts[1]](parts[0], parts[2])
        )
    ),
    max_leaves=6,
)


@settings(max_examples=25 * settings().max_examples)
@given(schema=SCHEMAS, raw=JSON_TEXTS | VALUES.map(orjson.dumps) | st.binary(max_size=200))
def test_any_bytes_under_any_contract_stop_no_other_document(schema: Any, raw: bytes) -> None:
    contract = Contract({"$ref": "#/$defs/s", "$defs": {"s": schema, "d": True}}, "")
    alone = Checker(contract, LIMIT, Counter()).check(raw)
    landed, reasons = positions(filled(contract, b"{}", raw, b"{}"))
    assert reasons.get(2) == (alone.code if alone else None)
    assert {*landed, *reasons} == {1, 2, 3}
    assert (1 in landed) == (3 in landed) == (contract.breach({}) is None)
