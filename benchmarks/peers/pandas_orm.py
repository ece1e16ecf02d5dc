# waybill: sample
"""Loads flights the usual way: pandas json_normalize, cleaning, SQLAlchemy's ORM into tables with keys."""

from __future__ import annotations

import json
import os
import sys
from datetime import date, datetime

import pandas
import psycopg2
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

COLUMNS = {
    "airline.code": "airline_id",
    "flight_number": "flight_number",
    "aircraft.tail_number": "aircraft_id",
    "origin.airport": "origin_airport_id",
    "destination.airport": "destination_airport_id",
    "scheduled.date": "scheduled_date",
    "scheduled.departure": "scheduled_departure",
    "scheduled.arrival": "scheduled_arrival",
    "actual.departure": "departure",
    "actual.arrival": "arrival",
    "actual.air_time_minutes": "air_time_minutes",
    "delays.departure_minutes": "departure_delay_minutes",
    "delays.arrival_minutes": "arrival_delay_minutes",
    "distance_miles": "distance_miles",
    "updated_at": "updated_at",
}
KEY = ["airline_id", "flight_number", "origin_airport_id", "scheduled_date"]
FLUSH_ROWS = 10_000


class Base(DeclarativeBase):
    """Base of the three tables."""


class Airline(Base):
    """One row per airline."""

    __tablename__ = "airlines"
    airline_id: Mapped[str] = mapped_column(primary_key=True)


class Airport(Base):
    """One row per airport."""

    __tablename__ = "airports"
    airport_id: Mapped[str] = mapped_column(primary_key=True)


class Flight(Base):
    """One row per flight."""

    __tablename__ = "flights"
    airline_id: Mapped[str] = mapped_column(ForeignKey("airlines.airline_id"), primary_key=True)
    flight_number: Mapped[int] = mapped_column(primary_key=True)
    origin_airport_id: Mapped[str] = mapped_column(ForeignKey("airports.airport_id"), primary_key=True)
    scheduled_date: Mapped[date] = mapped_column(primary_key=True)
    destination_airport_id: Mapped[str] = mapped_column(ForeignKey("airports.airport_id"))
    aircraft_id: Mapped[str | None]
    scheduled_departure: Mapped[int]
    scheduled_arrival: Mapped[int]
    departure: Mapped[int | None]
    arrival: Mapped[int | None]
    air_time_minutes: Mapped[int | None]
    departure_delay_minutes: Mapped[int | None]
    arrival_delay_minutes: Mapped[int | None]
    distance_miles: Mapped[int]
    updated_at: Mapped[datetime]


def read(path: str) -> pandas.DataFrame:
    """Return the newest version of each flight, typed, in flat columns."""
    with open(path, "rb") as file:
        frame = pandas.json_normalize([json.loads(line) for line in file])
    frame = frame.rename(columns=COLUMNS)[list(COLUMNS.values())]
    frame["scheduled_date"] = pandas.to_datetime(frame["scheduled_date"]).dt.date
    frame["updated_at"] = pandas.to_datetime(frame["updated_at"])
    newest = frame.sort_values("updated_at").drop_duplicates(KEY, keep="last")
    return newest.astype(object).where(newest.notna(), None)


def main(path: str) -> None:
    """Read, clean and insert in one transaction; BENCH_DATABASE_URL names the database."""
    frame = read(path)
    engine = create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(os.environ["BENCH_DATABASE_URL"]))
    Base.metadata.create_all(engine)
    airports = set(frame["origin_airport_id"]) | set(frame["destination_airport_id"])
    with Session(engine) as session:
        session.add_all(Airline(airline_id=airline) for airline in set(frame["airline_id"]))
        session.add_all(Airport(airport_id=airport) for airport in airports)
        session.flush()
        records = frame.to_dict("records")
        for start in range(0, len(records), FLUSH_ROWS):
            session.add_all(Flight(**record) for record in records[start : start + FLUSH_ROWS])  # type: ignore[misc]
            session.flush()
            session.expunge_all()
        session.commit()


if __name__ == "__main__":
    main(*sys.argv[1:])
