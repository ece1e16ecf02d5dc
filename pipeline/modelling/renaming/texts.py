"""Rewrites the text of a project file for the new name of a source: exact identifiers only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from expectations.project import derived_id
from pipeline.dbt.sources_yml import file_text
from pipeline.modelling.renaming.macro_arguments import with_source
from pipeline.modelling.renaming.names import PREFIXES, Renaming
from pipeline.modelling.source_names import default_description
from waybill.project.file_tags import read_tag, with_owner, without_tag

QUERIES = ("shares", "range", "earliest", "latest", "days")  # what pipeline/modelling/writing/expecting/columns.py asks


def rewritten(name: str, text: str, renaming: Renaming, macros: dict[str, int]) -> str:
    """Return the text of a file that belongs to the source; `name` is its old path."""
    if name.startswith("loader/contracts/"):
        return _tagged(text, _with_description(text, renaming), renaming)
    if name.endswith(".json"):
        text_after = _with_ids(_with_words(text, renaming.words | renaming.columns), renaming)
        return _tagged(text, _with_prose(text_after, renaming), renaming)
    after = _with_words(text, renaming.words | renaming.columns)
    after = _with_source(after, renaming, macros)
    after = _with_test_names(_with_prose(after, renaming), renaming)
    if "/_raw_" in f"/{name}":
        after = re.sub(rf"^(\s*- name: ){re.escape(renaming.old)}$", rf"\g<1>{renaming.new}", after, flags=re.MULTILINE)
        after = _wrapped(text, after, renaming)
    return _tagged(text, after, renaming)


def _wrapped(before: str, after: str, renaming: Renaming) -> str:
    """Break the lines of a generated source file as `waybill sources --write` would; leave any other file alone."""
    body = without_tag(after)
    if without_tag(before) != file_text(renaming.old, yaml.safe_load(before)):
        return after
    return after.replace(body, file_text(renaming.new, yaml.safe_load(after)))


def mentioning(text: str, renaming: Renaming, macros: dict[str, int]) -> str:
    """Return the text of a file of somebody else, in which the source and its models have their new names."""
    after = _with_source(_with_words(text, renaming.words), renaming, macros)
    if _has_word(text, renaming.models):
        after = _with_words(after, renaming.columns)
    return _tagged(text, after, None) if after != text else text


def renamed_prose(text: str, renaming: Renaming) -> str:
    """Return a description of one of the source's tables or columns after the renaming."""
    return _with_prose(_with_words(text, renaming.words | renaming.columns), renaming)


def _with_words(text: str, words: Mapping[str, str]) -> str:
    if not words:
        return text
    return _pattern(words).sub(lambda found: words[found[0]], text)


def _has_word(text: str, words: Iterable[str]) -> bool:
    words = list(words)
    return bool(words) and _pattern(words).search(text) is not None


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(map(re.escape, words), key=len, reverse=True))})(?!\w)")


def _with_source(text: str, renaming: Renaming, macros: dict[str, int]) -> str:
    """Rename the source where only a source can be meant: in calls, in fields of declarations, in queries."""
    old, new = re.escape(renaming.old), renaming.new
    for before, after in (
        (rf"(\bsource\(\s*['\"]raw['\"]\s*,\s*['\"]){old}(?=['\"])", rf"\g<1>{new}"),
        (rf"(\bsource_name:[ ]*['\"]?){old}(?=['\"]?\s*[,}}\n])", rf"\g<1>{new}"),
        (rf"(?<![\w.])(raw\.){old}(?!\w)", rf"\g<1>{new}"),
        (rf"(\bsource = '){old}(?=')", rf"\g<1>{new}"),
        (rf"(\btags:[ ]*\[(?:[\w, -]*,[ ]*)?){old}(?=[ ]*[,\]])", rf"\g<1>{new}"),
        (rf"(\btag:){old}(?![\w-])", rf"\g<1>{new}"),
    ):
        text = re.sub(before, after, text)
    text = re.sub(rf"^(source: ){old}$", rf"\g<1>{new}", text, flags=re.MULTILINE)
    return with_source(text, macros, renaming.old, new)


def _with_prose(text: str, renaming: Renaming) -> str:
    """Rename the source in what generated descriptions and comments say of it."""
    old, new = re.escape(renaming.old), renaming.new
    text = _with_description(text, renaming)
    text = re.sub(rf"(?<=`waybill new ){old}(?=[`\s])", new, text)
    text = re.sub(rf"(?<=loader/sources/){old}(?=\.yml)", new, text)
    text = re.sub(rf"(?<=^contract: ){old}(?=\.schema\.json$)", new, text, flags=re.MULTILINE)
    return re.sub(rf"((?:document|documents|docs) of (?:source )?){old}(?!\w)", rf"\g<1>{new}", text)


def _with_description(text: str, renaming: Renaming) -> str:
    """Rename the source in its description, unless a user has written another one."""
    return text.replace(default_description(renaming.old), default_description(renaming.new))


def _with_test_names(text: str, renaming: Renaming) -> str:
    old, new = re.escape(renaming.old), renaming.new
    text = re.sub(rf"(\bassert_(?:(?:{PREFIXES})_)?){old}(?=_)", rf"\g<1>{new}", text)
    return re.sub(rf"(- name: \w+_documents_of_){old}(?=_)", rf"\g<1>{new}", text)


def _with_ids(text: str, renaming: Renaming) -> str:
    """Give a renamed suite the ids that follow from its new name; its other ids are kept."""
    content: dict[str, Any] = json.loads(text)
    after = content.get("name")
    before = next((old for old, new in renaming.assets.items() if new == after), None)
    if before is None or after is None:
        return text
    ids = {derived_id("suite", before): derived_id("suite", after)}
    for check in content.get("expectations", []):
        kind = check.get("type", "")
        for about in _subjects(check):
            ids[derived_id("expectation", before, kind, about)] = derived_id("expectation", after, kind, about)
    return re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda found: ids.get(found[0], found[0]), text)


def _subjects(check: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an expectation can be about; of a query, `waybill new` names it by a word and a column."""
    kwargs = check.get("kwargs", {})
    yield from ("any", "volume", kwargs.get("column", ""))
    columns = set(re.findall(r"\w+", kwargs.get("unexpected_rows_query", "")))
    yield from (f"{word} {column}" for word in QUERIES for column in columns)


def _tagged(before: str, after: str, renaming: Renaming | None) -> str:
    """Return the new text with the tag that it needs: a file that was not edited counts as not edited."""
    tag = read_tag(before)
    if tag is None:
        return after
    is_own = renaming is not None and tag.owner == renaming.old
    owner = renaming.new if renaming is not None and is_own else tag.owner
    return with_owner(after, owner, is_edited=tag.is_edited)
