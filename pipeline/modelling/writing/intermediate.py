"""Writes the models that give each document its outcome."""

from __future__ import annotations

from pipeline.modelling.design import Design
from pipeline.modelling.writing.columns import OUTCOME, OUTCOMES_VIEW, described, staging_columns
from pipeline.modelling.writing.rendering import plain, render


def files(design: Design) -> dict[str, str]:
    """Return path → text of the deduplicated model, the view of outcomes, and their descriptions."""
    folder = "dbt_project/models/intermediate"
    deduplicated = f"{folder}/deduplicated/int_{design.source}_deduplicated"
    outcomes = f"{folder}/outcomes/int_{design.source}_outcomes"
    columns = staging_columns(design, design.root) + described(OUTCOME)
    children = [design.staging(table) for table in design.children]
    return {
        f"{deduplicated}.sql": render("deduplicated.sql", design=design, reason=_reason(design), children=children),
        f"{deduplicated}.yml": render("deduplicated.yml", design=design, columns=columns),
        f"{outcomes}.sql": f"{{{{ source_outcomes('{design.source}') }}}}\n",
        f"{outcomes}.yml": render("outcomes.yml", design=design, columns=described(OUTCOMES_VIEW)),
    }


def _reason(design: Design) -> str:
    if design.value_key_column:
        return (
            "The documents have no key. Equal documents are one: dropping all but one is safe because they are equal."
        )
    key = " and ".join(plain(pointer) for pointer in design.key)
    newest = "the last delivered" if design.version == "delivery" else f"the highest {plain(design.version)}"
    return f"Of several documents with one {key}, {newest} is current. In the files read it identified one record."
