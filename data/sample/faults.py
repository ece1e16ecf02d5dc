# waybill: sample
"""Makes the planted faults: extra documents besides the real ones, each with the outcome that the books must show."""

from __future__ import annotations

import copy
import hashlib
import random
from dataclasses import dataclass, field
from typing import Any

import orjson

from data.sample.documents import Document

SEED = 2013
LATER = "2014-01-15T12:00:00Z"
LATEST = "2014-02-01T12:00:00Z"


@dataclass(frozen=True)
class Planted:
    """One planted line: its kind, its bytes, and the outcome, reject reason or drift that the books must show."""

    kind: str
    line: bytes
    expected: dict[str, Any] = field(default_factory=dict)


def fingerprint(line: bytes) -> bytes:
    """Return the fingerprint that the loader computes for a line."""
    return hashlib.blake2b(line, digest_size=16).digest()


def plant_flights(real: list[Document]) -> list[Planted]:
    """Return a late delivery of flights with every kind of fault; the real documents stay the current ones."""
    chosen = iter(
        random.Random(SEED).sample([document for document in real if document["delays"]["arrival_minutes"]], 40)
    )
    lines: list[Planted] = []
    for _ in range(5):
        lines.append(Planted("re-delivery", orjson.dumps(next(chosen)), {"outcome": "duplicate"}))
    for _ in range(3):
        lines.append(Planted("other spelling", _respelled(next(chosen)), {"outcome": "duplicate"}))
    for _ in range(4):
        wrong = _changed(next(chosen), delays={"departure_minutes": 999, "arrival_minutes": 999})
        wrong["updated_at"] = "2013-01-01T00:00:00Z"
        lines.append(Planted("corrected, the correction came first", orjson.dumps(wrong), {"outcome": "superseded"}))
    for _ in range(2):
        lines.append(Planted("same version, another value", _same_version(next(chosen)), {"outcome": "superseded"}))
    made_up = _changed(next(chosen), flight_number=9999)
    gone = {**made_up, "status": "withdrawn", "updated_at": LATEST}
    lines.append(Planted("withdrawn: as first sent", orjson.dumps(made_up), {"outcome": "superseded"}))
    lines.append(Planted("withdrawn", orjson.dumps(gone), {"outcome": "filtered"}))
    lines += _uncastable(next(chosen)) + _rejected(next(chosen))
    for name, value in (("gate", "B22"), ("codeshare", ["LH", "AC"])):
        unknown = {
            **_changed(next(chosen), actual={"runway": "04L"}),
            name: value,
            "updated_at": "2013-01-01T00:00:00Z",
        }
        expected = {"outcome": "superseded", "drift": [f"/{name}", "/actual/runway"]}
        lines.append(Planted("unknown field", orjson.dumps(unknown), expected))
    random.Random(SEED).shuffle(lines)
    return lines


def plant_inside(real: list[Document]) -> list[Planted]:
    """Return faults to insert between a month's real lines: broken copies of its first documents and a re-delivery."""
    cut, spelled, bad = orjson.dumps(real[0]), str(real[1]).encode(), orjson.dumps(real[2])
    return [
        Planted("cut line", cut[:-40], {"rejected": "not_json"}),
        Planted("Python's spelling", spelled, {"rejected": "not_json"}),
        Planted("bad UTF-8", bad.replace(b'"code":"', b'"code":"\xe9'), {"rejected": "not_utf8"}),
        Planted("re-delivery", orjson.dumps(real[3]), {"outcome": "duplicate"}),
    ]


def plant_aircraft(real: list[Document]) -> list[Planted]:
    """Return a late delivery of aircraft: a re-delivery, an older version, and seats that are not a number."""
    first, second, third = real[0], real[1], real[2]
    older = {**_changed(second, airframe={"seats": 1}), "updated_at": "2012-01-01T00:00:00Z"}
    return [
        Planted("re-delivery", orjson.dumps(first), {"outcome": "duplicate"}),
        Planted("corrected, the correction came first", orjson.dumps(older), {"outcome": "superseded"}),
        Planted("uncastable", orjson.dumps(_changed(third, airframe={"seats": "many"})), {"outcome": "uncastable"}),
    ]


def plant_weather(real: list[Document]) -> list[Planted]:
    """Return a late delivery of weather: a re-delivery, an older version, and a temperature that is a word."""
    older = {**copy.deepcopy(real[1]), "updated_at": "2012-12-31T00:00:00Z"}
    older["observations"][0]["temperature_fahrenheit"] = 99
    words = copy.deepcopy(real[2])
    words["observations"][0]["temperature_fahrenheit"] = "mild"
    return [
        Planted("re-delivery", orjson.dumps(real[0]), {"outcome": "duplicate"}),
        Planted("corrected, the correction came first", orjson.dumps(older), {"outcome": "superseded"}),
        Planted("uncastable", orjson.dumps(words), {"outcome": "uncastable"}),
    ]


def plant_correction(real: Document) -> tuple[Document, Document]:
    """Return a wrong first version of a document and its later correction."""
    wrong = _changed(real, delays={"departure_minutes": 555, "arrival_minutes": 555})
    return wrong, {**real, "updated_at": LATER}


def _changed(real: Document, **changes: Any) -> Document:
    changed = copy.deepcopy(real)
    for name, value in changes.items():
        changed[name] = {**changed[name], **value} if isinstance(value, dict) else value
    return changed


def _respelled(real: Document) -> bytes:
    """Return the same value as different bytes with a lower fingerprint, so that the real line is kept."""
    line = orjson.dumps(dict(reversed(real.items())))
    while fingerprint(line) >= fingerprint(orjson.dumps(real)):
        line = line[:-1] + b" }"
    return line


def _same_version(real: Document) -> bytes:
    """Return another value with the same version and a lower fingerprint, so that the real line stays current."""
    delay = 600
    while True:
        line = orjson.dumps(_changed(real, delays={"arrival_minutes": delay}))
        if fingerprint(line) < fingerprint(orjson.dumps(real)):
            return line
        delay += 1


def _uncastable(real: Document) -> list[Planted]:
    broken = [
        _changed(real, scheduled={"date": "2013-02-30"}),
        _changed(real, actual={"departure": 2575}),
        _changed(real, delays={"arrival_minutes": "twelve"}),
        {**real, "updated_at": "yesterday"},
        _changed(real, distance_miles=99_999_999_999),
    ]
    return [Planted("uncastable", orjson.dumps(document), {"outcome": "uncastable"}) for document in broken]


def _rejected(real: Document) -> list[Planted]:
    line = orjson.dumps(real)
    tail = b'"tail_number":"'
    cases = [
        ("cut line", line[: len(line) // 2], "not_json"),
        ("Python's spelling", str(real).encode(), "not_json"),
        ("NaN", line.replace(b'"distance_miles":', b'"distance_miles":NaN,"was":'), "not_json"),
        ("bad UTF-8", line.replace(tail, tail + b"\xff\xfe"), "not_utf8"),
        ("\\u0000", line.replace(tail, tail + b"\\u0000"), "not_storable"),
        ("half a surrogate pair", line.replace(tail, tail + b"\\ud83d"), "not_storable"),
        ("1e400000", line.replace(b'"distance_miles":', b'"distance_miles":1e400000,"was":'), "not_storable"),
        ("contract: no key", orjson.dumps({**real, "airline": {}}), "breaks_contract"),
        ("contract: wrong type", orjson.dumps({**real, "flight_number": "fifteen"}), "breaks_contract"),
        ("contract: a number", b"42", "breaks_contract"),
        ("contract: an array", b"[" + line + b"]", "breaks_contract"),
    ]
    return [Planted(kind, raw, {"rejected": reason}) for kind, raw, reason in cases]
