"""The line that says what a project file belongs to: read, written, and the digest of what a command wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from waybill.project.file_tags import (
    SAMPLE,
    Tag,
    read_tag,
    tagged_files,
    with_source_tag,
    with_tag_of,
    without_tag,
)

TEXTS = {
    "stg_cafes.sql": "select 1\n",
    "cafes.yml": "source: cafes\n",
    "cafes.schema.json": '{\n  "type": "object"\n}\n',
    "notes.md": "# Cafes\n",
    "notes.py": "x = 1\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_written_file_is_its_sources_and_not_edited(name: str) -> None:
    text = with_source_tag(name, TEXTS[name], "cafes")
    assert read_tag(text) == Tag("cafes", is_edited=False)
    assert without_tag(text) == TEXTS[name]


@pytest.mark.parametrize("name", TEXTS)
def test_any_change_of_a_written_file_shows(name: str) -> None:
    text = with_source_tag(name, TEXTS[name], "cafes")
    for changed in (text + "\n", text.replace("cafes", "bars"), text.upper().replace("WAYBILL: SOURCE", "x")):
        tag = read_tag(changed)
        assert tag is None or tag.is_edited
    digit = text.index("content ") + len("content ")
    other = "0" if text[digit] != "0" else "1"
    assert read_tag(text[:digit] + other + text[digit + 1 :]) == Tag("cafes", is_edited=True)


def test_a_tagged_file_is_read_as_before() -> None:
    assert yaml.safe_load(with_source_tag("a.yml", TEXTS["cafes.yml"], "cafes")) == {"source": "cafes"}
    schema = json.loads(with_source_tag("a.json", TEXTS["cafes.schema.json"], "cafes"))
    assert schema.pop("$comment").startswith("waybill: source cafes, content ")
    assert schema == {"type": "object"}


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("# waybill: sample\nx: 1\n", Tag(SAMPLE)),
        ("-- waybill: sample\nselect 1\n", Tag(SAMPLE)),
        ("{# waybill: sample #}\nselect 1\n", Tag(SAMPLE)),
        ("{#- waybill: sample -#}\nselect 1\n", Tag(SAMPLE)),
        ("# Title\n\n<!-- waybill: sample -->\n", Tag(SAMPLE)),
        ('{\n  "$comment": "waybill: sample",\n  "a": 1\n}\n', Tag(SAMPLE)),
        ("# waybill: sample, with data/raw/raw.json docs/a.png\n", Tag(SAMPLE, others=("data/raw/raw.json", "docs/a.png"))),
        ("# waybill: source cafes\n", Tag("cafes")),
        ("# This file is about `waybill: sample`.\n", None),
        ("# waybill: samples\n", None),
        ("# waybill: source Cafes\n", None),
        ("waybill: sample\n", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_tag_is_one_whole_line(text: str, tag: Tag | None) -> None:
    assert read_tag(text) == tag


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=60))
def test_any_text_comes_back_without_its_tag(text: str) -> None:
    tagged = with_source_tag("any.sql", text, "cafes")
    assert read_tag(tagged) == Tag("cafes", is_edited=False)
    assert without_tag(tagged) == text
    assert with_source_tag("any.sql", without_tag(tagged), "cafes") == tagged


def test_a_file_written_again_keeps_its_tag() -> None:
    assert with_tag_of("a.yml", "x: 2\n", "# waybill: sample, with b.csv\nx: 1\n") == (
        "# waybill: sample, with b.csv\nx: 2\n"
    )
    again = with_tag_of("a.yml", "x: 2\n", with_source_tag("a.yml", "x: 1\n", "cafes"))
    assert again == with_source_tag("a.yml", "x: 2\n", "cafes")
    assert with_tag_of("a.yml", "x: 2\n", "x: 1\n") == "x: 2\n"


def test_the_files_of_an_owner_are_found_with_what_they_claim(tmp_path: Path) -> None:
    files = {
        "loader/cafes.yml": with_source_tag("cafes.yml", "source: cafes\n", "cafes"),
        "docs/cafes.md": "<!-- waybill: source cafes, with docs/cafes.png docs/gone.png -->\n",
        "docs/cafes.png": "a picture",
        "docs/sample.md": "<!-- waybill: sample -->\n",
        "models/cafes.yml": "# waybill: source cafes\n",  # a folder that runs make
        ".git/cafes.yml": "# waybill: source cafes\n",
        "plain.yml": "source: cafes\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "latin.yml").write_bytes(b"# waybill: source cafes \xe9\n")
    assert tagged_files(tmp_path, "cafes") == ["docs/cafes.md", "docs/cafes.png", "loader/cafes.yml"]
    assert tagged_files(tmp_path, SAMPLE) == ["docs/sample.md"]
    assert tagged_files(tmp_path, "bars") == []
