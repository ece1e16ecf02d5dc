"""Counts the delivered values that marts replace, as dbt's view `corrections_applied` lists them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

HAS_CORRECTIONS = "select to_regclass('intermediate.corrections_applied') is not null"
CORRECTIONS = """
    select mart, field, delivered_value, correct_value, reason, evidence, count(*) as rows, min(key) as first_key
    from intermediate.corrections_applied
    group by mart, field, delivered_value, correct_value, reason, evidence
    order by mart, field, delivered_value, correct_value
"""


@dataclass(frozen=True)
class Correction:
    """One replaced value; `rows` is in how many rows of the mart, `delivered_value` is None if none was delivered."""

    mart: str
    field: str
    delivered_value: str | None
    correct_value: str
    reason: str
    evidence: str
    rows: int
    first_key: str


def list_corrections(connection: Connection) -> list[Correction]:
    """Return the replaced values; none before the first dbt run, or if the dbt project has no such view."""
    if not connection.scalar(text(HAS_CORRECTIONS)):
        return []
    return [Correction(**row) for row in connection.execute(text(CORRECTIONS)).mappings()]


def sum_up(corrections: list[Correction]) -> str:
    """Return how many values were replaced in which marts, in one line."""
    rows: dict[str, int] = {}
    for correction in corrections:
        rows[correction.mart] = rows.get(correction.mart, 0) + correction.rows
    counts = ", ".join(f"{mart} {number:,}" for mart, number in rows.items())
    return f"values corrected: {counts} (intermediate.corrections_applied lists them)"
