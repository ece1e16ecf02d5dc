"""How good a model is in parts of the test rows, where it is weak, and which features it depends on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ml.learning.summary import kind_of
from pipeline.model_card.figures import Figure, FigureRow, FigureTable, draw_rows, figure_of

FIGURES = {"roc_auc": "ROC AUC", "brier": "Brier", "gap": "probability too high by"}
MAX_NAMED = 8  # weak spots in a sentence


def slice_tables(manifest: Mapping[str, Any]) -> list[FigureTable]:
    """Return a table of figures for each way in which the test rows were sliced, such as by month."""
    slices = manifest.get("slices") or []
    names = list(dict.fromkeys(str(one["name"]) for one in slices))
    return [_table(manifest, name, [one for one in slices if str(one["name"]) == name]) for name in names]


def _table(manifest: Mapping[str, Any], name: str, slices: list[Mapping[str, Any]]) -> FigureTable:
    figures = {one: title for one, title in FIGURES.items() if any(part.get(one) is not None for part in slices)}
    is_binary = kind_of(dict(manifest)) == "binary"
    return FigureTable(
        title=f"By {name}",
        caption="",
        of_rows=name,
        cell_columns=["rows", str(manifest.get("positive_label", "positive")) if is_binary else "correct"],
        figure_columns=list(figures.values()),
        rows=draw_rows([_row(one, figures) for one in slices], reference=manifest.get("metrics", {}).get("roc_auc")),
    )


def _row(part: Mapping[str, Any], figures: Collection[str]) -> FigureRow:
    why = str(part.get("why") or "")
    return FigureRow(
        str(part["value"]),
        [replace(figure_of(part, one), is_difference=one == "gap") for one in figures],
        cells=[f"{part['rows']:,}", _share(part.get("base_rate"))],
        note="" if part.get("is_weak") else why,
        warning=(why or "weak") if part.get("is_weak") else "",
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}".replace("%", " %")


def weak_spots(manifest: Mapping[str, Any]) -> list[str]:
    """Return the slices in which the model is weak, each with the reason."""
    weak = [one for one in manifest.get("slices") or [] if one.get("is_weak")]
    return [f"{one['name']} {one['value']} ({one['rows']:,} rows): {one.get('why') or 'weak'}" for one in weak]


def importance_table(manifest: Mapping[str, Any]) -> FigureTable | None:
    """Return how far ROC AUC drops when a feature, or a group, is shuffled, the most important first; None without."""
    found = sorted(manifest.get("importance") or [], key=lambda one: -one["drop"])
    if not found:
        return None
    rows = [
        FigureRow(
            str(one["name"]),
            [Figure(one["drop"], one.get("low"), one.get("high"), is_difference=True)],
            note=", ".join(one["features"]) if list(one.get("features") or []) not in ([], [one["name"]]) else "",
        )
        for one in found
    ]
    return FigureTable(
        title="Importance",
        caption="How far ROC AUC on validation drops when these columns are shuffled together",
        of_rows="features",
        cell_columns=[],
        figure_columns=["drop in ROC AUC"],
        rows=draw_rows(rows, reference=0.0),
    )
