"""Words that read like a translation or a riddle stay out of documents, help texts, messages, docstrings and comments."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from tests.house.prose import Line, prose

FRENCH, HERE = "docs/rncp38919.md", "tests/house/test_language.py"
OWN = r"of (its|their|his|our|your|my|one's|somebody's) own"
BETTER = {  # pattern -> what to write instead
    r"\banew\b": "again, re-…",
    r"\bwhoever\b": "anybody who, any … that",
    r"\bmend(s|ed|ing)?\b": "fix",
    rf"\b{OWN}\b(?! (?!(and|or|in|on|at|for|with|to|from|is|are|that|which)\b)[\w`])": "its own …",
    r"\bstands?\b(?!-in\b)|\bstood\b": "is, are, means",
    r"\bbehind\b": "after, past, later",
    r"\bat last\b|\bin the end\b": "finally, at the end",
    r"\b(told|tells)\b": "reports, says, shows, distinguishes",
    r"\b(is|are|was|were|be|been) said\b": "is reported, is declared",
    r"\b(story|stories|fates?)\b": "lineage, outcome",
    r"\blets? go\b|\bletting go\b": "releases",
    r"\blets? (us|it|him|them|you|others|nobody|anybody|somebody) in\b": "connect, accept",
    r"(?<![Tt]here )(?<![Tt]hat )\b(is|are|was|were) no (?!(longer|more)\b)": "is not a",
    r"\b(goes|go|went|going) on\b": "continues",
    r"\b(broken|breaks?|broke|breaking) off\b": "interrupted",
    r"\b(is|are|was|were|been) passed over\b": "skip, ignore",
    r"\bheed(s|ed)?\b|\bheard\b|\bhears?\b": "handles",
    r"\bthe world\b(?!'s)": "name what it is",
    r"\bdearer\b": "more expensive",
    r"\bbears?\b": "retries, supports",
    r"\bmidst\b": "in the middle, during",
    r"\bas (it|they) (is|are|was|were)\b(?! (\w+(ed|en|wn)|now|for)\b)": "unchanged",
    r"\b(stops?|whole|through|down) the line\b|\bwhole line\b": "pipeline, run",
    r"(?<!\bin )(?<!\bin its )(?<!\bin their )(?<!\bonly )(?<!\btakes )(?<!\btake )(?<!\bdecimal )\bplaces?\b": "position, path, folder, point",
}
PATTERN = re.compile("|".join(f"(?:{pattern})" for pattern in BETTER), re.IGNORECASE)
ALLOWED: dict[str, tuple[str, ...]] = {  # file -> phrases in which such a word is right
    "tests/house/test_rncp38919.py": ("à la place de",),
}


@pytest.mark.parametrize("folder", [":!tests", "tests"])
def test_no_word_of_the_list_is_used(folder: str) -> None:
    lines = (line for line in prose(folder) if line[0] not in (FRENCH, HERE) and not _is_old_name(line))
    assert list(_found(lines)) == []


def _is_old_name(line: Line) -> bool:
    """Return True for the changelog's tables of renamed things."""
    return line[0] == "CHANGELOG.md" and line[2].startswith("|")


def _found(lines: Iterable[Line]) -> Iterable[str]:
    for name, number, text in lines:
        rest = text
        for phrase in ALLOWED.get(name, ()):
            rest = rest.replace(phrase, "")
        for found in PATTERN.finditer(rest):
            yield f"{name}:{number}: {found[0]}: {text.strip()}"
