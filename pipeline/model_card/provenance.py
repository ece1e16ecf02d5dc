"""Where a model comes from: its code, seeds, versions and digests, and the batches of the rows that it learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_BATCHES = 50  # listed on the page


@dataclass(frozen=True)
class LearntBatch:
    """A batch of the training rows: its id, what it is called, and the number and digest of its rows if recorded."""

    batch_id: str
    name: str
    rows: int | None
    digest: str


def describe_provenance(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and value of each fact; what an older manifest does not have is left out."""
    code, recipe = manifest.get("code") or {}, manifest.get("recipe") or {}
    parameters = recipe.get("parameters") or {}
    facts = {
        "model": manifest.get("model_id"),
        "SHA-256 of the model's file": manifest.get("sha256"),
        "parameters": _pairs(parameters) or ("scikit-learn's own" if recipe else ""),
        "code": f"tree {code['tree']}{', with changes that are not committed' if code.get('is_changed') else ''}"
        if code.get("tree")
        else "",
        "digest of the code": code.get("digest"),
        "seeds": _pairs(manifest.get("seeds") or {}),
        "versions": _pairs(manifest.get("versions") or {}),
        "SHA-256 of the declaration": manifest.get("task_digest"),
        "hash of the training rows": manifest.get("training_digest"),
    }
    return [(name, str(value)) for name, value in facts.items() if value]


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def learnt_batches(manifest: Mapping[str, Any]) -> list[LearntBatch]:
    """Return the batches of the rows that the model learnt from, those with the most rows first."""
    names, digests = manifest.get("batches") or {}, manifest.get("batch_digests") or {}
    found = [
        LearntBatch(batch, str(names.get(batch, "–")), of_it.get("rows"), str(of_it.get("digest", "")))
        for batch, of_it in digests.items()
    ]
    found += [LearntBatch(batch, str(name), None, "") for batch, name in names.items() if not digests]
    return sorted(found, key=lambda one: (-(one.rows or 0), one.batch_id))
