# waybill: sample, with data/raw/raw.json
"""Makes the small sample, `data/raw/raw.json`: some real rows of every source in one file, and some faults."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from data.sample import documents
from data.sample.documents import Document
from data.sample.faults import SEED, Planted

SMALL = "raw.json"
FLIGHTS_A_MONTH = 9
AIRCRAFT = 18
FLEET = 90  # choose from the aircraft with most flights; some of them are not in the registry
WEATHER_DAYS = 4


def build_small() -> tuple[bytes, list[Planted]]:
    """Return the file's bytes, the same at every call, and its faults in file order.

    The file is one object with one array per source and one document per line. Python's `json.load` reads all of it:
    the faults are inside the documents, not in the structure around them.
    """
    chance = random.Random(SEED)
    real = _choose_flights(chance)
    flights, faults = _plant(real, chance)
    ends = {flight[end]["airport"] for flight in real for end in ("origin", "destination")}
    ends.add(next(row["faa"] for row in documents.airports() if row["time_zone"] == "NA"))
    days = sorted({(flight["origin"]["airport"], flight["scheduled"]["departure_hour"][:10]) for flight in real})
    observed = set(chance.sample(days, WEATHER_DAYS))
    records = {
        "airlines": _lines(documents.airlines(), lambda row: row["carrier"], {_airline(flight) for flight in real}),
        "airports": _lines(documents.airports(), lambda row: row["faa"], ends),
        "aircraft": _lines(documents.aircraft(), lambda row: row["tail_number"], {_tail(flight) for flight in real}),
        "flights": flights,
        "weather": _lines(
            (day for _, day in documents.weather()), lambda day: (day["station"]["airport"], day["date"]), observed
        ),
    }
    arrays = (b'"%b": [\n%b\n]' % (name.encode(), b",\n".join(lines)) for name, lines in records.items())
    return b"{\n%b\n}\n" % b",\n".join(arrays), faults


def _choose_flights(chance: random.Random) -> list[Document]:
    """Return some flights of each month by a few aircraft, and one of each special case, ordered by departure."""
    all_flights = [flight for _, flight in documents.flights()]
    flown: dict[Any, list[Document]] = {}
    for flight in all_flights:
        flown.setdefault(_tail(flight), []).append(flight)
    most_flown = sorted(filter(None, flown), key=lambda tail: (-len(flown[tail]), tail))[:FLEET]
    fleet = [flight for tail in chance.sample(most_flown, AIRCRAFT) for flight in flown[tail]]
    cases = [
        flown[None],  # cancelled before an aircraft was assigned
        [flight for flight in fleet if flight["actual"]["arrival"] and flight["delays"]["arrival_minutes"] is None],
        [flight for flight in fleet if flight["actual"]["arrival"] == 2400],
        # an airport that is not in the reference data
        [flight for flight in fleet if flight["destination"]["airport"] == "SJU"],
    ]
    chosen = [chance.choice(case) for case in cases]
    for month in range(1, 13):
        flights = [flight for flight in fleet if int(flight["scheduled"]["date"][5:7]) == month]
        chosen += chance.sample([flight for flight in flights if flight not in chosen], FLIGHTS_A_MONTH)
    return sorted(chosen, key=lambda flight: (flight["scheduled"]["departure_hour"], _airline(flight)))


def _plant(real: list[Document], chance: random.Random) -> tuple[list[bytes], list[Planted]]:
    """Return the real and the planted flights as lines, and the planted ones in file order."""
    arrived = [index for index, flight in enumerate(real) if flight["delays"]["arrival_minutes"] is not None]
    again, corrected, drifting, uncastable, *broken = chance.sample(arrived, 7)
    wrong = copy.deepcopy(real[corrected])
    wrong["delays"] = {"departure_minutes": 555, "arrival_minutes": 555}
    wrong["updated_at"] = f"{wrong['scheduled']['date']}T23:59:00Z"
    words = copy.deepcopy(real[uncastable])
    words["delays"]["arrival_minutes"] = "twelve"
    planted = [
        (corrected, Planted("corrected later", orjson.dumps(wrong), {"outcome": "superseded"})),
        (uncastable, Planted("uncastable", orjson.dumps(words), {"outcome": "uncastable"})),
        *zip(broken, _rejected([real[index] for index in broken]), strict=True),
        (len(real), Planted("re-delivery", orjson.dumps(real[again]), {"outcome": "duplicate"})),
    ]
    planted.sort(key=lambda entry: entry[0])
    lines = [orjson.dumps(flight) for flight in real]
    lines[drifting] = orjson.dumps({**real[drifting], "gate": "B22"})
    for index, fault in reversed(planted):
        lines.insert(index, fault.line)
    return lines, [fault for _, fault in planted]


def _rejected(real: list[Document]) -> list[Planted]:
    """Return three flights that cannot be landed, each for a different reason."""
    number, tail, key = (orjson.dumps(flight) for flight in real)
    miles = b'"distance_miles":%d' % real[0]["distance_miles"]
    return [
        Planted("NaN", number.replace(miles, b'"distance_miles":NaN'), {"rejected": "not_json"}),
        Planted("\\u0000", tail.replace(b'ber":"', b'ber":"\\u0000'), {"rejected": "not_storable"}),
        Planted("no key", orjson.dumps({**orjson.loads(key), "airline": {}}), {"rejected": "breaks_contract"}),
    ]


def _lines(rows: Iterable[Document], key: Callable[[Document], Any], wanted: set[Any]) -> list[bytes]:
    return [orjson.dumps(row) for row in rows if key(row) in wanted]


def _airline(flight: Document) -> str:
    return str(flight["airline"]["code"])


def _tail(flight: Document) -> Any:
    return flight["aircraft"]["tail_number"]
