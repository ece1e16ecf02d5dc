"""Checks the members of a manifest: those that prediction needs are there, and all that others read have their type."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from ml.split import Split

KINDS = ("binary", "multi-class")
CATEGORY, NUMBER = "category", "number"  # the types of features
NEEDED = ("model_id", "sha256", "versions", "features", "label", "training_digest", "task_digest", "batches", "rows")


def missing_members(manifest: dict[str, Any]) -> list[str]:
    """Return the members without which a model cannot predict or be verified, and that a manifest does not have."""
    of_kind = "threshold" if manifest.get("kind", KINDS[0]) == KINDS[0] else "classes"
    missing = [name for name in (*NEEDED, of_kind) if name not in manifest]
    if "learnt_from" not in manifest.get("rows", {"learnt_from": 0}):
        missing.append("rows.learnt_from")
    return missing if _is_split(manifest.get("split", {})) else [*missing, "a split that can be used"]


def unusable_members(manifest: dict[str, Any]) -> list[str]:
    """Return the members of a manifest whose values nobody can use; one that is not there is not among them."""
    return [name for name, is_usable in TYPES.items() if name in manifest and not is_usable(manifest[name])]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_object, value))


def _has_texts(value: Any) -> bool:
    return _is_object(value) and all(map(_is_text, value.values()))


def _has_objects(value: Any) -> bool:
    return _is_object(value) and all(map(_is_object, value.values()))


def _has_numbers(value: Any) -> bool:
    return _is_object(value) and all(map(_is_number, value.values()))


def _has_feature_types(value: Any) -> bool:
    return _is_object(value) and all(one in (CATEGORY, NUMBER) for one in value.values())


def _is_code(value: Any) -> bool:
    return _is_object(value) and all(_is_text(value.get(name, "")) for name in ("tree", "digest"))


def _is_split(value: dict[str, Any]) -> bool:
    try:
        Split.model_validate({name: one for name, one in value.items() if name != "kind"})
    except ValidationError:
        return False
    return True


TYPES: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        ("model_id", "sha256", "label", "training_digest", "task_digest", "trained_at", "chosen", "positive_label"),
        _is_text,
    ),
    **dict.fromkeys(("features", "features_left_out", "classes", "key"), _are_texts),
    **dict.fromkeys(("versions", "batches", "classes_left_out"), _has_texts),
    **dict.fromkeys(("rows", "seeds"), _has_numbers),
    **dict.fromkeys(("batch_digests", "candidates", "class_balance", "each_class"), _has_objects),
    **dict.fromkeys(("metrics", "curves", "differences", "reference", "recipe", "blocks", "split"), _is_object),
    **dict.fromkeys(("slices", "importance", "erased"), _are_objects),
    "threshold": _is_number,
    "kind": lambda value: value in KINDS,
    "feature_types": _has_feature_types,
    "code": _is_code,
    "cost": lambda value: value is None or _has_numbers(value),
}
