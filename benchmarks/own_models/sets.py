"""The record sets that models are trained on, and what is predicted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.real_sets.sets import SETS, RealSet


@dataclass(frozen=True)
class Wanted:
    """A task on a record set: its name, the label, and whether classes and split are what the set is here for."""

    documents: RealSet
    task: str
    label: str
    kind: str

    @property
    def table(self) -> str:
        """The mart that `waybill new` makes."""
        return f"fct_{self.documents.source}"


def _documents(source: str, *flags: str) -> RealSet:
    found = next(one for one in SETS if one.source == source)
    return replace(found, flags=(*found.flags, *flags))


MILLISECONDS = ("--type", "/properties/time=epoch_milliseconds", "--type", "/properties/updated=epoch_milliseconds")

WANTED = (
    Wanted(_documents("epci"), "financing", "mode_financement", "binary text"),
    Wanted(_documents("movies"), "genre", "major_genre", "12 classes, 275 without a label"),
    Wanted(_documents("earthquakes", *MILLISECONDS), "review", "properties_status", "binary text, split by time"),
    Wanted(_documents("electron_releases"), "prerelease", "prerelease", "boolean, split by time"),
)
