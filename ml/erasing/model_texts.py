"""Takes the texts that only erased rows had out of a model: out of its encoders and out of its manifest.

No prediction for another row changes: no other row has such a text, and a new one that has it counts as unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml.drift.histogram import CATEGORY
from ml.erasing.mart_rows import MartRows, hash_texts
from ml.learning.blend import Blend

Lost = Callable[[str, list[str]], set[str]]  # column and texts → those that no row has any more


def find_lost(before: MartRows | None, now: MartRows) -> Lost:
    """Return what says which texts of a column only erased rows had.

    If nobody knows what was there before, they are the texts that no row has now. Of a column that the mart does not
    have, none is lost.
    """

    def lost(column: str, texts: list[str]) -> set[str]:
        import numpy as np

        if not texts or column not in now.texts:
            return set()
        hashes = hash_texts(texts)
        is_lost = ~np.isin(hashes, now.texts[column])
        if before is not None:
            is_lost &= np.isin(hashes, before.texts.get(column, []))
        return {text for text, one in zip(texts, is_lost.tolist(), strict=True) if one}

    return lost


def may_name_texts(manifest: dict[str, Any], before: MartRows | None, now: MartRows) -> bool:
    """Return whether a categorical feature has lost a text, so that the model's file must be searched."""
    numbers = {name for name, kind in manifest.get("feature_types", {}).items() if kind != CATEGORY}
    names = [name for name in manifest["features"] if name not in numbers and name in now.texts]
    return before is None or any(len(before.lost_texts(now, name)) for name in names)


def without_texts(manifest: dict[str, Any], lost: Lost) -> tuple[dict[str, Any], int]:
    """Return the manifest without lost texts, and how many of its classes are lost: those stay, as it predicts them."""
    label = manifest["label"]
    changed = dict(manifest)
    if "reference" in manifest:
        features = manifest["reference"].get("features", {})
        described = {name: _without_values(name, held, lost) for name, held in features.items()}
        changed["reference"] = {**manifest["reference"], "features": described}
    if "slices" in manifest:
        changed["slices"] = [
            one for one in manifest["slices"] if not lost(str(one.get("column")), [str(one.get("value"))])
        ]
    if left_out := manifest.get("classes_left_out"):
        gone = lost(label, list(left_out))
        changed["classes_left_out"] = {value: lack for value, lack in left_out.items() if value not in gone}
    return changed, len(lost(label, list(manifest.get("classes", []))))


def _without_values(name: str, held: dict[str, Any], lost: Lost) -> dict[str, Any]:
    """Return a histogram in which the rows of lost values count as those of other values."""
    gone = lost(name, list(held.get("values", [])))
    if not gone:
        return held
    other, *counts = held["counts"]
    pairs = list(zip(held["values"], counts, strict=True))
    kept = [(value, number) for value, number in pairs if value not in gone]
    other += sum(number for value, number in pairs if value in gone)
    return {**held, "values": [value for value, _ in kept], "counts": [other, *(number for _, number in kept)]}


def forget_texts(pipeline: Any, lost: Lost) -> int:
    """Replace the lost texts in the encoders of a fitted model by None, which no row has; return how many there were.

    The numbers of the other texts stay, and so do the columns of the matrix.
    """
    parts = list(pipeline.parts.values()) if isinstance(pipeline, Blend) else [pipeline]
    forgotten: set[tuple[str, str]] = set()
    for part in parts:
        codes = part["features"].codes_
        for place, name in enumerate(codes.names):
            known = codes.texts_[place]
            gone = lost(name, [text for text in known if text is not None])
            codes.texts_[place] = [None if text in gone else text for text in known]
            forgotten |= {(name, text) for text in gone}
    return len(forgotten)
