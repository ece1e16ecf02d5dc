"""Finds the files to load, and names those that are left alone: no pattern matches them, or a system left them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache
from pathlib import Path

from loader.declarations import Source, below_folder, read_source, source_names
from loader.errors import FileRefused
from waybill.sample_commands import is_shipped
from waybill.settings import PROJECT, relative_name
from waybill.text import counted

MAX_NAMES = 3
# what systems and tools leave beside data; nobody means it to be loaded
LEFTOVERS = (".*", "_SUCCESS", "_committed_*", "_started_*", "*.crc", "Thumbs.db", "desktop.ini", "~$*")
IGNORED = ".waybillignore"  # in a folder of files: one pattern per line for names that a load does not report
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
JSON_SUFFIXES = ("json", "ndjson", "jsonl", "jsonlines")
SAMPLE = "; for the files of the sample, run `make data`" if is_shipped("data.sample") else ""


@dataclass
class LeftAlone:
    """Names below a folder that are not loaded: unmatched by any pattern (with a reason if there is one), leftovers.

    `not_in_range` are files whose names hold a date that the range of the load does not touch.
    """

    unmatched: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    not_in_range: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return what a load prints about them; empty if there are none."""
        shown = []
        if self.not_in_range:
            shown.append(f"{counted(len(self.not_in_range), 'file')} not in range: {_first(self.not_in_range)}")
        if self.unmatched:
            shown.append(f"no pattern matches {counted(len(self.unmatched), 'file')}: {_first(self.unmatched)}")
        if self.leftovers:
            shown.append(f"left alone: {_first(self.leftovers)}")
        return "; ".join(shown)

    def add(self, other: LeftAlone) -> None:
        """Add the names of another folder."""
        self.unmatched += other.unmatched
        self.leftovers += other.leftovers
        self.not_in_range += other.not_in_range


def suffix_of(name: str) -> str:
    """Return a file name's suffix in lower case, without the one of a compression."""
    name = name.lower()
    compressed = next((suffix for suffix in COMPRESSED if name.endswith(suffix)), "")
    return name.removesuffix(compressed).rpartition(".")[2]


def files_to_load(source: Source, raw_folder: Path) -> list[Path]:
    """Return the source's files below the raw folder.

    Raises:
        FileRefused: there is no file.
    """
    found = source.default_files(raw_folder)
    if not found:
        left = left_alone(raw_folder)
        raise FileRefused(
            f"no file for source {source.source} in {relative_name(raw_folder)}: "
            f"put one there that matches {' or '.join(entry.pattern for entry in source.files) or 'a pattern'}, "
            f"or name a file{SAMPLE}{f'; {left}' if left.unmatched else ''}"
        )
    return found


def left_alone(raw_folder: Path) -> LeftAlone:
    """Return what is below the raw folder and belongs to no source."""
    matched = {path for name in source_names() for path in read_source(name).default_files(raw_folder)}
    entered = {parent for path in matched for parent in path.parents}
    left = LeftAlone()
    for path, problem in _walk(raw_folder, left):
        if path not in matched and path not in entered:
            left.unmatched.append(_shown(path, raw_folder, problem))
    return left


def given_files(
    source: Source, given: list[Path], raw_folder: Path, *, takes_all: bool
) -> tuple[list[Path], LeftAlone]:
    """Return the given files and the files in the given folders, and what in the folders is left alone.

    Of a folder, the files are taken that the source's patterns match, and those with a suffix of its patterns or of
    JSON that no other source's pattern matches; with `takes_all`, all files but those of other sources.

    Raises:
        FileRefused: a file does not exist, a folder has no file for the source or holds the whole project.
    """
    others = [read_source(name) for name in source_names() if name != source.source]
    suffixes = {*JSON_SUFFIXES, *(suffix_of(entry.pattern) for entry in source.files)}
    files: list[Path] = []
    left = LeftAlone()
    for path in given:
        _refuse(path)
        if not path.is_dir():
            files.append(path)
            continue
        taken: list[Path] = []
        unmatched: list[str] = []
        owned: dict[str | None, list[str]] = {}  # a source whose patterns match -> names
        for inner, problem in _walk(path, left):
            below = below_folder(inner, raw_folder)
            owner = next((other.source for other in others if other.pattern_for(below)), None)
            is_taken = not owner and (takes_all or suffix_of(inner.name) in suffixes)
            if not problem and (source.pattern_for(below) or is_taken):
                taken.append(inner)
            else:
                unmatched.append(_shown(inner, path, problem))
                owned.setdefault(owner, []).append(unmatched[-1])
        if not taken and unmatched:
            raise FileRefused(_none_taken(path, source.source, owned))
        if not taken:
            raise FileRefused(f"{path}: the folder contains no files")
        files += taken
        left.unmatched += unmatched
    return files, left


def _none_taken(folder: Path, source: str, owned: dict[str | None, list[str]]) -> str:
    """Return why no file of a folder is taken: files that match patterns of other sources, and those of no source."""
    reasons = [f"patterns of source {owner} match {_first(names)}" for owner, names in owned.items() if owner]
    if None in owned:
        reasons.append(f"no pattern and no suffix of JSON fits {_first(owned[None])}")
    advice = "name the files, or give a `--layout`" if None in owned else "name the files if they are meant"
    return f"{folder}: the folder contains no files of source {source}: {'; '.join(reasons)}: {advice}"


def _refuse(path: Path) -> None:
    """Raise FileRefused for a path that does not exist or cannot be meant."""
    if not path.exists():
        raise FileRefused(f"{path}: no such file")
    if path.is_dir() and PROJECT.is_relative_to(path.resolve()):
        raise FileRefused(f"{path}: this folder holds the whole project, its settings and secrets: name your files")


def _walk(folder: Path, left: LeftAlone) -> Iterator[tuple[Path, str | None]]:
    """Yield the files below a folder in order, and anything else with what it is; leftovers are added to `left`.

    What the patterns of the folder's `.waybillignore` match is left out.
    """
    path = folder / IGNORED
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if path.is_file() else []
    ignored = [IGNORED, *(line for line in map(str.strip, lines) if line and not line.startswith("#"))]
    is_ignored, prefix = _matching(*ignored), os.path.join(folder, "")
    for path, problem in _walk_all(folder, left, ignored):
        if not is_ignored(str(path).removeprefix(prefix)):
            yield path, problem


@cache
def _matching(*patterns: str) -> Callable[[str], object]:
    """Return a function that says whether a name matches one of the patterns, as `fnmatch` compares it."""
    return re.compile("|".join(map(translate, patterns))).match


def _walk_all(folder: Path, left: LeftAlone, ignored: list[str]) -> Iterator[tuple[Path, str | None]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield folder, f"cannot be read: {error.strerror}"
        return
    is_leftover = _matching(*LEFTOVERS)
    for entry in entries:
        path = folder / entry.name
        if is_leftover(entry.name):
            if entry.name not in ignored:
                left.leftovers.append(entry.name)
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk_all(path, left, ignored)
        elif entry.is_dir():
            yield path, "a link to a folder"
        elif entry.is_file():
            yield path, None
        else:
            yield path, "a link to nothing" if entry.is_symlink() else "not a regular file"


def _shown(path: Path, folder: Path, problem: str | None) -> str:
    name = os.fspath(path.relative_to(folder)) if path != folder else os.fspath(path)
    return f"{name} ({problem})" if problem else name


def _first(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    return f"{', '.join(names[:MAX_NAMES])}{more}"
