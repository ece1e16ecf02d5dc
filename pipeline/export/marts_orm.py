"""Maps the marts to SQLAlchemy classes, from the tables and keys that exist in the database.

A relationship is named after its foreign key without `_id`: `first_cafe_id` gives `order.first_cafe`.

    marts = map_marts(engine("reader"))
    Order = marts["orders"]
    session.scalars(select(Order).options(joinedload(Order.cafe)).limit(5))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, ForeignKeyConstraint, MetaData, Table, event, inspect
from sqlalchemy.ext.automap import AutomapBase, automap_base

SCHEMA = "marts"


def map_marts(engine: Engine) -> Mapping[str, Any]:
    """Return table name → mapped class for every table of the marts that has a primary key."""
    metadata = MetaData(schema=SCHEMA)
    event.listen(metadata, "column_reflect", _name_attribute)
    base: type[AutomapBase] = automap_base(metadata=metadata)
    base.prepare(
        autoload_with=engine,
        schema=SCHEMA,
        name_for_scalar_relationship=_name_reference,
        name_for_collection_relationship=_name_collection,
    )
    return {mapped.__table__.name: mapped for mapped in base.classes}


def references(mapped: Any) -> dict[str, tuple[str, Any]]:
    """Return reference → (key column, class that the key points to) of a mapped class, for keys of one column."""
    found: dict[str, tuple[str, Any]] = {}
    for relationship in inspect(mapped).relationships:
        if relationship.direction.name == "MANYTOONE" and len(relationship.local_columns) == 1:
            (column,) = relationship.local_columns
            found[relationship.key] = (column.name, relationship.mapper.class_)
    return found


def _name_attribute(inspector: Any, table: Table, column: dict[str, Any]) -> None:
    """Give the attribute of a column that has the name of something else in a mapped class another name."""
    if hasattr(AutomapBase, column["name"]) or column["name"] == "registry":
        column["key"] = f"{column['name']}_"


def _name_reference(base: Any, local_cls: Any, referred_cls: Any, constraint: ForeignKeyConstraint) -> str:
    """Return the key's name without `_id`; for a one-to-one extension, the name of the other table.

    A name that a column has is followed by `_row`.
    """
    name = "_".join(column.name for column in constraint.columns).removesuffix("_id")
    is_own_key = {column.name for column in constraint.columns} == {
        column.name for column in local_cls.__table__.primary_key.columns
    }
    return _free_name(str(referred_cls.__table__.name) if is_own_key else name, local_cls)


def _name_collection(base: Any, local_cls: Any, referred_cls: Any, constraint: ForeignKeyConstraint) -> str:
    """Return the other table's name with the role of its key, so that two keys to one table differ."""
    role = "_".join(column.name for column in constraint.columns).removesuffix("_id")
    return _free_name(f"{referred_cls.__table__.name}_by_{role}", local_cls)


def _free_name(name: str, mapped: Any) -> str:
    while name in mapped.__table__.columns:
        name = f"{name}_row"
    return name
