"""Reads and writes the tag of a project file: one line that says what the file belongs to.

`waybill: sample` is a file of the shipped sample. `waybill: sample, with data/raw/raw.json` also claims files that
cannot hold such a line. `waybill: source cafes, content 0f3a…` is a file that `waybill new` made for the source
cafes; the digest is that of the content that it wrote, so an edited file can be recognised. The line is a comment in
the syntax of the file, and in JSON the member `$comment`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

SAMPLE = "sample"
DIGITS = 16
TAG = re.compile(
    r'^(?P<before>(?:#|--|<!--|\{#-?|[ \t]*"[$\w]+":[ ]?")[ ]?)waybill: (?P<owner>sample|source [a-z][a-z0-9_]*)'
    r"(?:, content (?P<content>[0-9a-f]{16}))?(?:, with (?P<others>[^\s\"]+(?: [^\s\"]+)*?))?"
    r'(?P<after>[ ]-->|[ ]-?#\}|",?)?$',
    re.MULTILINE,
)
COMMENTS = {".sql": ("-- ", ""), ".md": ("<!-- ", " -->")}  # all other files: `# `, JSON: a member
MEMBER = "$comment"  # of a JSON file
JSON_SUFFIXES = (".json", ".ipynb")
SUFFIXES = (*JSON_SUFFIXES, ".md", ".sql", ".yml", ".yaml", ".py", ".sh", ".csv", ".txt", ".toml", ".j2")
NO_PROJECT_FILES = (
    "data/raw", "data/processed", "models", "reports", "backups", "logs", "dbt_project/target", "dbt_project/logs",
)  # fmt: skip


@dataclass(frozen=True)
class Tag:
    """What a file belongs to: `owner` is `sample` or the name of a source; the paths of files it also claims.

    `is_edited` is true if the file differs from what the command wrote; None if its tag has no digest.
    """

    owner: str
    is_edited: bool | None = None
    others: tuple[str, ...] = ()


def read_tag(text: str) -> Tag | None:
    """Return the tag in the text of a file; None if it has none."""
    found = TAG.search(text)
    if found is None:
        return None
    content = found["content"]
    is_edited = None if content is None else content != _digest(text)
    return Tag(found["owner"].removeprefix("source "), is_edited, tuple((found["others"] or "").split()))


def with_source_tag(name: str, text: str, source: str) -> str:
    """Return the text of a new file of a source with its tag; `name` is the path of the file, for the syntax."""
    tagged = _with_line(name, text, f"waybill: source {source}, content {'0' * DIGITS}")
    return tagged.replace(f"content {'0' * DIGITS}", f"content {_digest(tagged)}", 1)


def without_tag(text: str) -> str:
    """Return the text of a file without the line of its tag."""
    found = TAG.search(text)
    return text if found is None else text[: found.start()] + text[found.end() :].removeprefix("\n")


def with_tag_of(name: str, text: str, tagged: str) -> str:
    """Return the new text of a generated file with the tag that another text has: its old one, or its origin's."""
    found = TAG.search(tagged)
    if found is None:
        return text
    owner = found["owner"].removeprefix("source ")
    if owner != SAMPLE:
        return with_source_tag(name, text, owner)
    others = f", with {found['others']}" if found["others"] else ""
    return _with_line(name, text, f"waybill: {SAMPLE}{others}")


def with_owner(text: str, owner: str, *, is_edited: bool | None) -> str:
    """Return the text of a tagged file with another owner. Unless it is edited, its digest is that of the new text."""
    found = TAG.search(text)
    if found is None:
        return text
    written = owner if owner == SAMPLE else f"source {owner}"
    start, end = found.span("owner")
    text = f"{text[:start]}{written}{text[end:]}"
    if is_edited is not False:
        return text
    return TAG.sub(lambda tag: tag[0].replace(f"content {tag['content']}", f"content {_digest(text)}"), text, 1)


def tagged_files(project: Path, owner: str) -> list[str]:
    """Return the paths, relative to the project, of the files with this owner and of those that they claim."""
    found: set[str] = set()
    for name in _names(project):
        try:
            tag = read_tag((project / name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
        if tag is not None and tag.owner == owner:
            found |= {name, *(other for other in tag.others if os.path.lexists(project / other))}
    return sorted(found)


def _with_line(name: str, text: str, tag: str) -> str:
    if name.endswith(JSON_SUFFIXES):
        opening, rest = text.split("\n", 1)
        indent = rest[: len(rest) - len(rest.lstrip())]
        return f'{opening}\n{indent}"{MEMBER}": "{tag}",\n{rest}'
    before, after = COMMENTS.get(PurePosixPath(name).suffix, ("# ", ""))
    return f"{before}{tag}{after}\n{text}"


def _digest(text: str) -> str:
    """Return the digest of a text whose own digest, which the tag holds, counts as zeros."""
    zeroed = TAG.sub(
        lambda tag: tag[0].replace(tag["content"] or "", "0" * DIGITS) if tag["content"] else tag[0], text, 1
    )
    return hashlib.sha256(zeroed.encode()).hexdigest()[:DIGITS]


def _names(project: Path) -> Iterator[str]:
    """Yield the paths of all files that can hold a tag, without hidden folders and what runs make."""
    for folder, folders, files in os.walk(project):
        relative = PurePosixPath(os.path.relpath(folder, project))
        folders[:] = sorted(
            one for one in folders if not one.startswith((".", "__")) and str(relative / one) not in NO_PROJECT_FILES
        )
        yield from (
            str(relative / one) for one in sorted(files) if one.endswith(SUFFIXES) or one.startswith("Dockerfile")
        )
