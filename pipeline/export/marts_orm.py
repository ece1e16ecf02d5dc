"""Maps the marts to SQLAlchemy classes, from the tables and keys that exist in the database.

A relationship is named after its foreign key without `_id`: `origin_airport_id` gives `flight.origin_airport`.

    marts = map_marts(engine("reader"))
    Flight = marts["fct_flights"]
    session.scalars(select(Flight).options(joinedload(Flight.airline)).limit(5))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, ForeignKeyConstraint, MetaData, inspect
from sqlalchemy.ext.automap import AutomapBase, automap_base
from sqlalchemy.orm import RelationshipProperty

SCHEMA = "marts"


def map_marts(engine: Engine) -> Mapping[str, Any]:
    """Return table name → mapped class for every table of the marts that has a primary key."""
    base: type[AutomapBase] = automap_base(metadata=MetaData(schema=SCHEMA))
    base.prepare(
        autoload_with=engine,
        schema=SCHEMA,
        name_for_scalar_relationship=_name_reference,
        name_for_collection_relationship=_name_collection,
    )
    return {mapped.__table__.name: mapped for mapped in base.classes}


def references(mapped: Any) -> dict[str, tuple[str, Any]]:
    """Return reference → (key column, class that the key points to) of a mapped class."""
    found: dict[str, tuple[str, Any]] = {}
    for relationship in inspect(mapped).relationships:
        if isinstance(relationship, RelationshipProperty) and relationship.direction.name == "MANYTOONE":
            (column,) = relationship.local_columns
            found[relationship.key] = (column.name, relationship.mapper.class_)
    return found


def _name_reference(base: Any, local_cls: Any, referred_cls: Any, constraint: ForeignKeyConstraint) -> str:
    """Return the key's name without `_id`; for a one-to-one extension, the name of the other table."""
    name = "_".join(column.name for column in constraint.columns).removesuffix("_id")
    is_own_key = {column.name for column in constraint.columns} == {
        column.name for column in local_cls.__table__.primary_key.columns
    }
    return str(referred_cls.__table__.name) if is_own_key else name


def _name_collection(base: Any, local_cls: Any, referred_cls: Any, constraint: ForeignKeyConstraint) -> str:
    """Return the other table's name with the role of its key, so that two keys to one table differ."""
    role = "_".join(column.name for column in constraint.columns).removesuffix("_id")
    return f"{referred_cls.__table__.name}_by_{role}"
