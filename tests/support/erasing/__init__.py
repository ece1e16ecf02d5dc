"""Erases documents as `waybill erase` does in the ledger and the raw tables, without what follows in dbt and files."""

from __future__ import annotations

from contextlib import closing

from loader.declarations import read_source
from loader.erasing.conditions import parse_condition
from loader.erasing.erase import Erased, Order, lift, record
from loader.erasing.finding import find
from loader.erasing.keys import KeyTypes, text_key_types
from loader.erasing.secret import key_hash, make_secret
from loader.erasing.wanted import Found, Wanted
from warehouse.connection import connect
from warehouse.runs import recorded_run
from waybill.settings import get_settings


def wanted(*keys: str, where: tuple[str, ...] = (), key_types: KeyTypes | None = None, name: str = "things") -> Wanted:
    """Return what is to be erased from a source; its key has texts unless `key_types` are given."""
    source = read_source(name)
    return Wanted(
        source,
        text_key_types(source) if key_types is None else key_types,
        frozenset(keys),
        where=tuple(map(parse_condition, where)),
        secret=make_secret(get_settings()),
    )


def find_now(one: Wanted) -> Found:
    """Find documents as `waybill erase` does."""
    with closing(connect("reader")) as reader:
        return find(reader, one)


def erase(*keys: str, where: tuple[str, ...] = (), key_types: KeyTypes | None = None, name: str = "things") -> Erased:
    """Find and erase documents."""
    found = find_now(wanted(*keys, where=where, key_types=key_types, name=name))
    with recorded_run(f"erase {name}") as run_id, closing(connect("keeper")) as keeper:
        return record(keeper, found, Order(run_id, "keep-marked"))


def lift_keys(*keys: str, name: str = "things") -> int:
    """Let keys land again; return how many were barred."""
    secret = make_secret(get_settings())
    with closing(connect("keeper")) as keeper:
        return len(lift(keeper, name, {key_hash(secret, name, key) for key in keys}, secret))
