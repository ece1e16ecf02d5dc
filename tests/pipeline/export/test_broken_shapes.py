"""A shape that cannot be used stops the export with one sentence that names its file and what to correct."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ExportRefused
from pipeline.export import shapes

MISTAKES = {
    "nothing": ("", "must be a mapping"),
    "no document": ("members: {}", "document is missing"),
    "an empty document": (
        "document: {}",
        "document must be a column, a member or a child mart, or an object of fields",
    ),
    "a list": ("document: [a]", "document must be a column, a member or a child mart, or an object of fields"),
    "a number for a column": (
        "document: {a: {b: 1}}",
        "must give b the name of a column, a member or a child mart, or an object",
    ),
    "an empty object": (
        "document: {a: {}}",
        "must give a the name of a column, a member or a child mart, or an object",
    ),
    "an unknown form": ("document: {a: b as hours}", "must write b as one of text, seconds, milliseconds"),
    "a child mart in two fields": ("children: {c: d}\ndocument: {a: c, b: c}", "c must fill one field, not 2"),
    "a child mart in no field": ("children: {c: d}\ndocument: {a: b}", "c must fill one field, not 0"),
    "members of text": ("members: {shop: name}\ndocument: {a: b}", "members.shop must be a list"),
    "an unknown field": (
        "document: {a: b}\nmember: {}",
        "member is not a field that can be declared: did you mean members?",
    ),
    "not YAML": ("document: {a", "is not YAML: line 1"),
}


@pytest.mark.parametrize(("content", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_shape_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, message: str
) -> None:
    (tmp_path / "fct_things.yml").write_text(content)
    monkeypatch.setattr(shapes, "SHAPES", tmp_path)
    with pytest.raises(ExportRefused) as raised:
        shapes.read_shapes()
    assert message in str(raised.value)
    assert "fct_things.yml" in str(raised.value)
