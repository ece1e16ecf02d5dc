"""Finds how the files of a source change: those that nobody edited are written again, others get a patch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from loader.declarations import Source
from pipeline.dbt.sources_files import source_file
from pipeline.dbt.sources_yml import source_text
from pipeline.modelling.adopting.files.merging import merged, patch
from waybill.project.file_tags import read_tag, with_source_tag, without_tag
from waybill.settings import PROJECT, relative_name

Files = Mapping[str, str]


@dataclass
class Changes:
    """Path -> text of files to add and to replace, and the paths of those to remove.

    `edited` are files that have to change and that a user edited, or that have no tag: name -> text with the change.
    `by_hand` are those of them in which the user changed the same lines: name -> the lines that would change.
    """

    added: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    edited: dict[str, str | None] = field(default_factory=dict)
    by_hand: dict[str, str] = field(default_factory=dict)

    @property
    def is_blocked(self) -> bool:
        """Whether a file has to change that is the user's."""
        return bool(self.edited or self.by_hand)

    @property
    def names(self) -> list[str]:
        """The paths of all files that change."""
        return sorted({*self.added, *self.replaced, *self.removed, *self.edited, *self.by_hand})

    def patches(self) -> Iterator[str]:
        """Yield the lines of the whole change, as `git apply` takes them, without what is by hand."""
        for name in self.names:
            if name not in self.by_hand:
                after = {**self.added, **self.replaced, **self.edited}.get(name)
                yield from patch(name, read(name), after)


def file_changes(source: str, before: Files, after: Files, *, is_all: bool) -> Changes:
    """Return how the files of a source change from one design to the other, both without tags.

    If everything is adopted, a file that nobody edited becomes that of the new design. Otherwise it only gets what
    differs between both.
    """
    changes = Changes()
    for name in sorted({*before, *after}):
        text = read(name)
        if name not in after:
            if text is not None:
                _remove(changes, source, name, text)
        elif text is None:
            if name not in before:
                changes.added[name] = with_source_tag(name, after[name], source)
        elif _is_untouched(text, source):
            plain = without_tag(text)
            wanted = after[name] if is_all else merged(name, plain, before.get(name, after[name]), after[name])
            wanted = after[name] if wanted is None else wanted
            if wanted != plain:
                changes.replaced[name] = with_source_tag(name, wanted, source)
        else:
            _patch(changes, name, text, before.get(name, ""), after[name])
    return changes


def add_dbt_source(changes: Changes, declared: Source) -> None:
    """Add the change of the file that dbt reads the declaration from, if there is any other change."""
    declaration = f"loader/sources/{declared.source}.yml"
    if not changes.names or declaration in changes.by_hand:
        return
    text = {**changes.edited, **changes.replaced}.get(declaration) or read(declaration)
    name = relative_name(source_file(declared.source))
    before = read(name)
    after = source_text(Source.model_validate(yaml.safe_load(text or "")))
    if after is not None and before != after:
        (changes.replaced if before is not None else changes.added)[name] = after


def read(name: str) -> str | None:
    """Return the text of a file of the project; None if there is none."""
    path = PROJECT / name
    return path.read_bytes().decode() if path.is_file() else None


def _is_untouched(text: str, source: str) -> bool:
    tag = read_tag(text)
    return tag is not None and tag.owner == source and tag.is_edited is False


def _remove(changes: Changes, source: str, name: str, text: str) -> None:
    if _is_untouched(text, source):
        changes.removed.append(name)
    else:
        changes.edited[name] = None


def _patch(changes: Changes, name: str, text: str, before: str, after: str) -> None:
    if before == after:
        return
    found = merged(name, text, before, after)
    if found is None:
        changes.by_hand[name] = "".join(patch(name, before, after))
    elif found != text:
        changes.edited[name] = found
