"""Where the files of a source are: patterns for those below the raw folder, and how all are laid out."""

from __future__ import annotations

import glob
from collections import defaultdict
from pathlib import Path

from loader.declarations import FilePattern
from pipeline.modelling.profiling.profile import FileProfile, Profile
from waybill.text import counted


def file_patterns(profile: Profile, raw_folder: Path) -> tuple[FilePattern, ...]:
    """Return patterns of the files below the raw folder: of a whole folder where all files there have one layout."""
    below = [(found, _below(found.path, raw_folder)) for found in profile.files]
    groups: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for found, path in below:
        if path:
            groups[_wide_pattern(path)].add((found.layout, found.records_at))
    patterns = set()
    given = {path for _, path in below if path}
    for found, path in below:
        if path:
            wide = _wide_pattern(path)
            is_alike = len(groups[wide]) == 1 and _matches(wide, raw_folder) <= given
            pattern = wide if is_alike else glob.escape(path)
            patterns.add((pattern, found.layout, found.records_at))
    return tuple(
        FilePattern(pattern=pattern, layout=layout, records_at=records_at)
        for pattern, layout, records_at in sorted(patterns, key=lambda entry: (entry[0], entry[1], entry[2] or ""))
    )


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
    return f"{glob.escape(folder)}/*{glob.escape(suffix)}" if folder and suffix else glob.escape(path)


def _matches(pattern: str, raw_folder: Path) -> set[str]:
    return {path.relative_to(raw_folder).as_posix() for path in raw_folder.glob(pattern) if path.is_file()}
