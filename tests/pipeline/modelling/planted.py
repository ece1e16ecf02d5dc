"""The planted corpus: documents in which generators of tables lose or alter values, and the right mart and column of each leaf.

The expected rows are written by hand. A column that a document does not fill is None, and columns that the pipeline adds
(`_batch_id`, `_position`) are left out. `jsonb` values are Python objects, dates and times are texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Planted:
    """Documents of one source, in the form of the file, flags for `waybill new`, and mart -> all of its rows."""

    source: str
    lines: Sequence[str]
    marts: Mapping[str, Rows]
    flags: tuple[str, ...] = ()


def hashed(name: str, pointer: str, limit: int = 55) -> str:
    """Return the name that a path gets beside a path that is spelled as the name, or if the name is too long."""
    return f"{name[: limit - 7].rstrip('_')}_{hashlib.sha256(pointer.encode()).hexdigest()[:6]}"


COLLISIONS = Planted(
    "collisions",
    [
        '{"id": 1, "user_id": "exact", "userId": "camel", "UserID": "capital", "User Id": "blank"}',
        '{"id": 2, "caf\u00e9": "composed", "cafe\u0301": "decomposed"}',
        '{"id": 3, "a.b": 1, "a": {"b": 2}, "order": "word", "2013": 4, "": "empty", "日本": "kanji"}',
    ],
    {
        "fct_collisions": [
            {"id": 1, "user_id": "exact", hashed("user_id", "/userId"): "camel",
             hashed("user_id", "/UserID"): "capital", hashed("user_id", "/User Id"): "blank"},
            {"id": 2, hashed("cafe", "/caf\u00e9"): "composed", hashed("cafe", "/cafe\u0301"): "decomposed"},
            {"id": 3, hashed("a_b", "/a.b"): 1, "a_b": 2, "order_field": "word", "field_2013": 4,
             hashed("field", "/"): "empty", hashed("field", "/日本"): "kanji"},
        ]
    },
)  # fmt: skip
LONG = "a_name_of_many_words_that_is_longer_than_postgresql_allows_for_"
LONG_NAMES = Planted(
    "long_names",
    [f'{{"id": "x", "{LONG}first": 1, "{LONG}second": 2, "nested": {{"{LONG}": [{{"{LONG}": 3}}]}}}}'],
    {
        "fct_long_names": [{"id": "x", hashed(LONG, f"/{LONG}first"): 1, hashed(LONG, f"/{LONG}second"): 2}],
        f"fct_long_names_{hashed(f'nested_{LONG}', f'/nested/{LONG}', 40)}": [
            {"id": "x", hashed(LONG, f"/nested/{LONG}"): 1, hashed(LONG, f"/{LONG}"): 3}
        ],
    },
)
MISSING = Planted(
    "missing",
    [
        '{"id": "a", "never": null, "void": {}, "none": [], "some": {"x": 1}, "list": [1], "text": ""}',
        '{"id": "b", "never": null, "void": {}, "none": [], "some": {}, "list": [], "text": "NA"}',
        '{"id": "c", "some": null, "list": null, "text": " "}',
        '{"id": "d", "some": {"x": null}, "list": [null], "text": null}',
    ],
    {
        "fct_missing": [
            {"id": "a", "never": None, "void": {}, "none": [], "some_x": 1, "text": ""},
            {"id": "b", "void": {}, "none": [], "text": "NA"},
            {"id": "c", "text": " "},
            {"id": "d"},
        ],
        "fct_missing_list": [
            {"id": "a", "list_number": 1, "list_value": 1},
            {"id": "d", "list_number": 1, "list_value": None},
        ],
    },
)
TYPES = Planted(
    "types",
    [
        '{"code": "007", "day": "2024-02-29", "at": "2024-02-29T12:00:00Z", "local": "2024-02-29T12:00:00",'
        ' "month": "01-02", "compact": "20240101", "yes": "yes", "bit": "0", "mixed_dates": "2024-01-01",'
        ' "big": 9007199254740993, "huge": 9223372036854775808, "price": 0.10, "ratio": 0.123456789, "whole": 1.0}',
        '{"code": "010", "day": "2023-01-01", "at": "2024-02-29T12:00:00.123456+02:00", "local": "2024-02-29T13:00",'
        ' "month": "03-04", "compact": "20240102", "yes": "no", "bit": "1", "mixed_dates": "01/02/2024",'
        ' "big": 1, "huge": 18446744073709551615, "price": 12.5, "ratio": 1e-7, "whole": 2}',
    ],
    {
        "fct_types": [
            {"code": "007", "day": "2024-02-29", "at": "2024-02-29 12:00:00+00", "local": "2024-02-29T12:00:00",
             "month": "01-02", "compact": "20240101", "yes": "yes", "bit": "0", "mixed_dates": "2024-01-01",
             "big": 9007199254740993, "huge": "9223372036854775808", "price": "0.10", "ratio": 0.123456789, "whole": 1},
            {"code": "010", "day": "2023-01-01", "at": "2024-02-29 10:00:00.123456+00", "local": "2024-02-29T13:00",
             "month": "03-04", "compact": "20240102", "yes": "no", "bit": "1", "mixed_dates": "01/02/2024",
             "big": 1, "huge": "18446744073709551615", "price": "12.5", "ratio": 1e-7, "whole": 2},
        ]
    },
)  # fmt: skip
MIXED = Planted(
    "mixed",
    [
        '{"id": "a", "tag": "one", "size": 1, "part": {"x": 1}, "matrix": [[1, 2], [3]], "bag": [1, {"y": 2}]}',
        '{"id": "b", "tag": ["one", "two"], "size": "1", "part": 5, "matrix": [[]], "bag": []}',
    ],
    {
        "fct_mixed": [
            {"id": "a", "tag": "one", "size": 1, "part": {"x": 1}, "matrix": [[1, 2], [3]], "bag": [1, {"y": 2}]},
            {"id": "b", "tag": ["one", "two"], "size": "1", "part": 5, "matrix": [[]], "bag": []},
        ]
    },
)
NESTED = Planted(
    "nested",
    [
        '{"_id": {"$oid": "5f1e"}, "at": {"$date": "2024-01-01T00:00:00Z"}, "n": {"$numberLong": "9007199254740993"},'
        ' "lines": [{"sku": "x", "marks": [1, 1]}, {"sku": "x", "marks": [1, 1]}, {"sku": "y", "marks": []}]}',
        '{"_id": {"$oid": "5f1f"}, "at": {"$date": "2024-01-02T00:00:00Z"}, "n": {"$numberLong": "2"}, "lines": []}',
    ],
    {
        "fct_nested": [
            {"id": "5f1e", "at": "2024-01-01 00:00:00+00", "n": 9007199254740993},
            {"id": "5f1f", "at": "2024-01-02 00:00:00+00", "n": 2},
        ],
        "fct_nested_lines": [
            {"id": "5f1e", "lines_number": 1, "sku": "x"},
            {"id": "5f1e", "lines_number": 2, "sku": "x"},
            {"id": "5f1e", "lines_number": 3, "sku": "y"},
        ],
        "fct_nested_lines_marks": [
            {"id": "5f1e", "lines_number": line, "marks_number": mark, "marks_value": 1}
            for line in (1, 2)
            for mark in (1, 2)
        ],
    },
)
MAPS = Planted(
    "maps",
    [
        f'{{"id": {number}, "prices": {{"2024-{number:02}-01": {number}.5, "2024-{number:02}-02": 1}}}}'
        for number in range(1, 13)
    ],
    {
        "fct_maps": [{"id": number} for number in range(1, 13)],
        "fct_maps_prices": [
            {
                "id": number,
                "prices_name": f"2024-{number:02}-0{day}",
                "prices_value": f"{number}.5" if day == 1 else "1",
            }
            for number in range(1, 13)
            for day in (1, 2)
        ],
    },
)
LATE = Planted(
    "late",
    [
        *(f'{{"id": {number}, "amount": 1, "when": "2024-01-01"}}' for number in range(21_000)),
        '{"id": 21000, "amount": 0.5, "when": "soon", "late": {"deep": [true]}}',
    ],
    {
        "fct_late": [
            *({"id": number, "amount": "1", "when_field": "2024-01-01"} for number in range(21_000)),
            {"id": 21000, "amount": "0.5", "when_field": "soon"},
        ],
        "fct_late_late_deep": [{"id": 21000, "deep_number": 1, "deep_value": True}],
    },
)
KEYS = Planted(
    "keys",
    [
        '{"row": 1, "created": "2024-01-01T00:00:01Z", "product_code": "b", "name": "same"}',
        '{"row": 2, "created": "2024-01-01T00:00:02Z", "product_code": "a", "name": "same"}',
        '{"row": 2, "created": "2024-01-01T00:00:02Z", "product_code": "a", "name": "same"}',
    ],
    {
        "fct_keys": [
            {"product_code": "b", "row_field": 1, "created": "2024-01-01 00:00:01+00", "name": "same"},
            {"product_code": "a", "row_field": 2, "created": "2024-01-01 00:00:02+00", "name": "same"},
        ]
    },
)
VALUES = Planted(
    "keyless",
    [
        '{"text": "same", "n": 1}',
        '{"n": 1, "text": "same"}',
        '{"text": "same", "n": null, "tags": ["x"]}',
        '{"text": "same", "tags": ["x"]}',
    ],
    {
        "fct_keyless": [
            {"text": "same", "n": 1},
            {"text": "same", "n": None},
            {"text": "same", "n": None},
        ],
        "fct_keyless_tags": [{"tags_number": 1, "tags_value": "x"}, {"tags_number": 1, "tags_value": "x"}],
    },
)
PLANTED = (COLLISIONS, LONG_NAMES, MISSING, TYPES, MIXED, NESTED, MAPS, LATE, KEYS, VALUES)
