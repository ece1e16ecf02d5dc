"""Examples of requests to a model: usual values of its features, as its manifest describes the training rows."""

from __future__ import annotations

from typing import Any

from ml.api.schemas import TaskSchema
from ml.predict import Model

OF_TYPES: dict[str, Any] = {"number": 12.5, "integer": 7, "string": "A", "boolean": True}
OF_FORMATS = {"uuid": "01a229e0-bfc6-7690-82e0-83509d28f367", "date": "2013-01-31"}


def example_rows(model: Model, schema: TaskSchema) -> dict[str, dict[str, Any]]:
    """Return a row of `features` and one of `keys`; the key need not exist."""
    found: dict[str, dict[str, Any]] = {}
    described = schema.adapter.json_schema()
    for member in ("features", "keys"):
        reference = described["properties"][member]["items"]["$ref"].rpartition("/")[2]
        members = described["$defs"][reference]["properties"]
        found[member] = {name: _of_schema(one) for name, one in members.items()}
    of_manifest = model.manifest.get("reference", {}).get("features", {})
    usual = {name: _usual(of_manifest[name]) for name in model.features if name in of_manifest}
    found["features"] |= {name: value for name, value in usual.items() if value is not None}
    return found


def _usual(reference: dict[str, Any]) -> Any:
    """Return the text of most rows, or about the median of a number; None if the manifest does not say it."""
    if reference.get("kind") == "category":
        return next(iter(reference.get("values", [])), None)
    edges = reference.get("edges", [])
    return float(f"{edges[len(edges) // 2]:.3g}") if edges else None


def _of_schema(schema: Any) -> Any:
    first = schema["anyOf"][0] if "anyOf" in schema else schema
    return OF_FORMATS.get(first.get("format"), OF_TYPES[first["type"]])
