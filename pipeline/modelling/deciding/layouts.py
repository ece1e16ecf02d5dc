"""Where the files of a source are: patterns for those below the raw folder, and how all are laid out."""

from __future__ import annotations

import glob
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from loader.declarations import FilePattern
from pipeline.modelling.profiling.profile import FileProfile, Profile
from waybill.text import counted

DATES = {  # how dates are written in names, each with an expression of its digits
    "%Y-%m-%d": r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)",
    "%Y_%m_%d": r"(?<!\d)\d{4}_\d{2}_\d{2}(?!\d)",
    "%Y%m%d": r"(?<!\d)\d{8}(?!\d)",
    "%Y-%m": r"(?<!\d)\d{4}-\d{2}(?!\d)",
}
YEARS = {*range(1970, 2100)}  # a number of four digits that is more likely a year than a count


def file_patterns(profile: Profile, raw_folder: Path) -> tuple[FilePattern, ...]:
    """Return patterns of the files below the raw folder: of a whole folder where all files there have one layout.

    If the names of such a folder differ by their dates alone, a pattern that captures the date comes before it.
    """
    below = [(found, _below(found.path, raw_folder)) for found in profile.files]
    groups: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    names: dict[str, list[str]] = defaultdict(list)
    for found, path in below:
        if path:
            groups[_wide_pattern(path)].add((found.layout, found.records_at))
            names[_wide_pattern(path)].append(path)
    patterns = set()
    given = {path for _, path in below if path}
    for found, path in below:
        if path:
            wide = _wide_pattern(path)
            is_alike = len(groups[wide]) == 1 and _matches(wide, raw_folder) <= given
            for pattern in (dated_pattern(names[wide]), wide) if is_alike else (None, _escaped(path)):
                if pattern:
                    patterns.add((pattern, found.layout, found.records_at))
    return tuple(
        FilePattern(pattern=pattern, layout=layout, records_at=records_at)
        for pattern, layout, records_at in sorted(patterns, key=_order)
    )


def dated_pattern(names: Sequence[str]) -> str | None:
    """Return a pattern that captures the date in which all of these names differ, and in nothing else."""
    for written, expression in DATES.items():
        for found in re.finditer(expression, names[0]):
            before, after = names[0][: found.start()], names[0][found.end() :]
            pattern = f"{_escaped(before)}{{date:{written}}}{_escaped(after)}"
            days = [FilePattern(pattern=pattern).days(name) for name in names]
            years = {found.first.year for found in days if found}
            if len(names) > 1 and None not in days and len(set(days)) == len(names) and years <= YEARS:
                return pattern
    return None


def _order(entry: tuple[str, str, str | None]) -> tuple[bool, str, str, str]:
    """Sort patterns with a date first, because the first one that matches a file decides."""
    pattern, layout, records_at = entry
    return "{date:" not in pattern, pattern, layout, records_at or ""


def _escaped(name: str) -> str:
    """Return the pattern that only this name matches."""
    return glob.escape(name).replace("{date", "[{]date")


def layout_evidence(files: tuple[FileProfile, ...]) -> list[tuple[str, str]]:
    """Return each layout with the number of its files and documents."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for found in files:
        name = f"{found.layout} at {found.records_at}" if found.records_at else found.layout
        counts[name][0] += 1
        counts[name][1] += found.documents
    return [
        (name, f"{counted(documents, 'document')} in {counted(number, 'file')}")
        for name, (number, documents) in sorted(counts.items())
    ]


def _below(path: Path | None, raw_folder: Path) -> str | None:
    if path is None:
        return None
    real, folder = path.resolve(), raw_folder.resolve()
    return real.relative_to(folder).as_posix() if real.is_relative_to(folder) else None


def _wide_pattern(path: str) -> str:
    """Return the pattern of all files with the same suffixes in a folder; of a file in the raw folder, its name."""
    folder, _, name = path.rpartition("/")
    suffix = "".join(Path(name).suffixes[-2:] if name.endswith((".gz", ".bz2", ".xz")) else Path(name).suffixes[-1:])
    return f"{_escaped(folder)}/*{_escaped(suffix)}" if folder and suffix else _escaped(path)


def _matches(pattern: str, raw_folder: Path) -> set[str]:
    return {path.relative_to(raw_folder).as_posix() for path in raw_folder.glob(pattern) if path.is_file()}
