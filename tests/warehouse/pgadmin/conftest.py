"""A server that somebody else runs, as the warehouse's tests have it."""

from tests.warehouse.conftest import external, unset

__all__ = ["external", "unset"]
