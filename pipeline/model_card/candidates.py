"""The candidates of a model: their figures on each set, and how far the selected one is from each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.learning.summary import TABLE_METRICS, kind_of
from ml.task import DUMMY
from pipeline.model_card.figures import Figure, FigureRow, FigureTable, draw_rows, figure_of
from waybill.text import counted

UNITS = {"day": "whole days", "group": "whole groups", "row": "rows"}
AGAIN = "fitted again on train and validation"


def metrics_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the metrics that compare models of this kind → what they are called."""
    return TABLE_METRICS[kind_of(dict(manifest))]


def compare_on(manifest: Mapping[str, Any], part: str) -> FigureTable | None:
    """Return every candidate's figures on validation or test, the best first; None without any.

    On test, the first row is the model: the selected candidate, fitted again on the rows of train and validation.
    """
    names = metrics_of(manifest)
    measured = {name: result[part] for name, result in manifest.get("candidates", {}).items() if result.get(part)}
    if not measured:
        return None
    best_first = sorted(measured, key=lambda name: -measured[name].get("roc_auc", 0))
    rows = [_row(manifest, name, measured[name], names) for name in best_first]
    if part == "test" and is_refitted(manifest):
        rows.insert(0, FigureRow("the model", [figure_of(manifest["metrics"], name) for name in names], note=AGAIN))
    return FigureTable(
        title=f"Candidates on {part}",
        caption=describe_intervals(manifest, part),
        of_rows="candidate",
        cell_columns=[],
        figure_columns=list(names.values()),
        rows=draw_rows(rows, without={DUMMY}),
    )


def _row(manifest: Mapping[str, Any], name: str, measured: Mapping[str, Any], names: Mapping[str, str]) -> FigureRow:
    result = manifest["candidates"][name]
    fitted = f"fitted in {result['seconds']:,.1f} s" if "seconds" in result else ""
    if result.get("rows") and result["rows"] != manifest.get("rows", {}).get("train"):
        fitted += f" on {counted(result['rows'], 'row')}"
    return FigureRow(
        name,
        [figure_of(measured, one) for one in names],
        note=", ".join(filter(None, ["selected" if name == manifest.get("chosen") else "", fitted])),
        warning="" if result.get("has_converged", True) else "did not converge",
    )


def is_refitted(manifest: Mapping[str, Any]) -> bool:
    """Return True if the model learnt from validation, too, after that set had selected it."""
    return "validation" in str(manifest.get("learnt_from", ""))


def describe_intervals(manifest: Mapping[str, Any], part: str) -> str:
    """Return what the intervals of a set's figures are, or why there are none; empty for an older manifest."""
    blocks = manifest.get("blocks", {})
    if part not in blocks:
        return ""
    lacks = {one.get(part, {}).get("intervals_lack", "") for one in manifest.get("candidates", {}).values()}
    if lacks and "" not in lacks:
        return f"No intervals: {', '.join(sorted(lacks))}"
    return f"95 % intervals, by resampling {blocks[part]:,} {UNITS.get(blocks.get('unit'), 'blocks')}"


def differences_on(manifest: Mapping[str, Any], part: str) -> FigureTable | None:
    """Return the selected candidate's figures minus those of each other on the same rows; None without any."""
    names = metrics_of(manifest)
    found = manifest.get("differences", {}).get(part) or {}
    rows = [
        FigureRow(other, [_difference(of_metrics.get(name)) for name in names]) for other, of_metrics in found.items()
    ]
    if not rows:
        return None
    return FigureTable(
        title=f"Paired differences on {part}",
        caption=f"{manifest.get('chosen')} minus each other, on the same rows. {describe_intervals(manifest, part)}",
        of_rows="minus",
        cell_columns=[],
        figure_columns=list(names.values()),
        rows=draw_rows(rows, reference=0.0, without={DUMMY}),
    )


def _difference(measured: Mapping[str, float] | None) -> Figure:
    if measured is None:
        return Figure(None, is_difference=True)
    return Figure(measured["difference"], measured.get("low"), measured.get("high"), is_difference=True)
