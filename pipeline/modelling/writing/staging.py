"""Writes the staging models: one for the documents, one for each table of elements in them."""

from __future__ import annotations

from pipeline.modelling.design import JSON, Design, Table
from pipeline.modelling.writing.columns import levels, row_of, staging_columns
from pipeline.modelling.writing.rendering import render


def files(design: Design) -> dict[str, str]:
    """Return path → text of the staging models and their descriptions."""
    found = {}
    for table in design.tables:
        path = f"dbt_project/models/staging/{design.source}/{design.staging(table)}"
        is_root = table.parent is None
        found[f"{path}.sql"] = _documents(design) if is_root else _elements(design, table)
        found[f"{path}.yml"] = render(
            "staging.yml",
            design=design,
            name=design.staging(table),
            description=_grain(design, table),
            columns=staging_columns(design, table),
        )
    return found


def _documents(design: Design) -> str:
    return render("staging.sql", design=design, **_reading(design, design.root))


def _elements(design: Design, table: Table) -> str:
    above = levels(design, table)
    aliases = ["element"] if len(above) == 1 else [f"level_{number}" for number in range(1, len(above) + 1)]
    sources = ["unpacked.document", *(f"{alias}.value" for alias in aliases)]
    steps = [
        {"table": level, "alias": alias, "above": source}
        for level, alias, source in zip(above, aliases, sources, strict=False)
    ]
    return render(
        "staging_child.sql",
        design=design,
        row_of=row_of(table),
        levels=steps,
        within=table.element_path,
        row=[str(level.own_key) for level in above],
        names=[level.name_column for level in above if level.name_column],
        **_reading(design, table),
    )


def _reading(design: Design, table: Table) -> dict[str, object]:
    """Return how the fields of a table are read, and which pointers lead to the rows of its child tables."""
    fields = [column for column in table.columns if not column.others]
    types = [(column.name, column.type) for column in fields if column.type != "text"]
    below = [child for child in design.children if child.parent == table.suffix]
    return {
        "columns": table.columns,
        "fields": fields,
        "types": types,
        "others": [pointer for column in table.columns for pointer in column.others],
        "has_json": any(kind == JSON for _, kind in types),
        "arrays": [child.pointer for child in below if child.kind == "array"],
        "maps": [child.pointer for child in below if child.kind == "map"],
    }


def _grain(design: Design, table: Table) -> str:
    if table.parent is None:
        return (
            f"One row per delivered document of {design.source} of the run batches: fields extracted, named and cast."
        )
    return (
        f"One row per {row_of(table)} in the delivered documents of {design.source}: fields extracted, named and cast."
    )
