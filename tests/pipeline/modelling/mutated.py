"""A made-up data set of visits to bird stations, and mutations of it that a report must name."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

Document = dict[str, Any]
STATIONS = ("Ash Dyke", "Birling Gap", "Cley Marsh", "Dungeness")
FIRST = ("Agnes", "Bruno", "Clara", "Dmitri", "Elena", "Farid", "Greta", "Hiro", "Ines", "Jonas")
LAST = ("Abernathy", "Brandstetter", "Castellanos", "Dombrowski", "Eriksson", "Fitzgerald", "Gallagher", "Hashimoto")
DAYS = 200


def visits(
    number: int = 2000, *, seed: int = 1, first_day: date = date(2024, 1, 8), first_id: int = 1
) -> list[Document]:
    """Return visits over 200 days, about ten a day; other seeds give other visits of the same kind."""
    chance = random.Random(seed)
    return [
        {
            "visit_id": f"v-{first_id + index:06}",
            "station": chance.choices(STATIONS, (5, 3, 2, 1))[0],
            "observer": f"{chance.choice(FIRST)} {chance.choice('ABCDEFGHJK')}. {chance.choice(LAST)}",
            "visited_on": str(first_day + timedelta(days=index * DAYS // number)),
            "distance_km": round(chance.lognormvariate(2.5, 0.5), 1),
            "bird": {"mass_grams": round(chance.gauss(420, 60)), "wing_millimetres": round(chance.gauss(190, 12), 1)},
            "is_ringed": chance.random() < 0.7,
            "note": chance.choice(("calm", "windy", "rain in the morning")) if chance.random() < 0.85 else None,
            "counts": [
                {"species": chance.choice(("redshank", "dunlin", "knot")), "birds": chance.randint(1, 40)}
                for _ in range(chance.randint(0, 4))
            ],
        }
        for index in range(number)
    ]


def lines(documents: Iterable[Document]) -> str:
    return "".join(f"{json.dumps(document)}\n" for document in documents)


def each(change: Callable[[Document], object], *, every: int = 1) -> list[Document]:
    """Return the visits after a change of every n-th document."""
    documents = visits()
    for document in documents[::every]:
        change(document)
    return documents


def moved(days: int) -> list[Document]:
    return visits(first_day=date(2024, 1, 8) + timedelta(days=days))


def swapped(document: Document) -> None:
    bird = document["bird"]
    bird["mass_grams"], bird["wing_millimetres"] = bird["wing_millimetres"], bird["mass_grams"]


def doubled_day() -> list[Document]:
    documents = visits()
    return documents + [document for document in documents if document["visited_on"] == "2024-03-01"]


MUTATIONS: dict[str, tuple[Callable[[], list[Document]], str]] = {
    "a key nulled": (lambda: each(lambda visit: visit.update(visit_id=None), every=40), r"50 rejected"),
    "kilometres as miles": (
        lambda: each(lambda visit: visit.update(distance_km=round(visit["distance_km"] * 1.6, 1))),
        r"the mean of distance_km",
    ),
    "two columns swapped": (lambda: each(swapped), r"the mean of bird_mass_grams"),
    "a new value": (
        lambda: each(lambda visit: visit.update(station="Eel Pond"), every=100),
        r"station is one of the 4 values",
    ),
    "a year later": (lambda: moved(366), r"the earliest visited_on is at most"),
    "a year earlier": (lambda: moved(-365), r"visited_on is not before"),
    "half of the rows": (lambda: visits()[::2], r"at least 1,600 rows"),
    "a day doubled": (doubled_day, r"duplicate +10"),
    "nulls instead of values": (
        lambda: each(lambda visit: visit.update(observer=None), every=5),
        r"observer is null in at most",
    ),
    "an array emptied": (lambda: each(lambda visit: visit.update(counts=[])), r"elements or more in /counts"),
    "text where numbers were": (
        lambda: each(lambda visit: visit.update(distance_km="far"), every=50),
        r"uncastable +40",
    ),
    "truncated names": (
        lambda: each(lambda visit: visit.update(observer=visit["observer"][:8])),
        r"the longest observer has at least",
    ),
    "a constant column": (lambda: each(lambda visit: visit["bird"].update(mass_grams=420)), r"mass_grams differ"),
    "a constant text": (lambda: each(lambda visit: visit.update(station="Ash Dyke")), r"value of station has"),
    "one hundred times": (
        lambda: each(lambda visit: visit["bird"].update(mass_grams=visit["bird"]["mass_grams"] * 100)),
        r"bird_mass_grams is from",
    ),
    "always true": (lambda: each(lambda visit: visit.update(is_ringed=True)), r"is_ringed is true in"),
}
