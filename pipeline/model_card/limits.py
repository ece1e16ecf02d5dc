"""What a reader must know before using a model, as sentences: each follows from a fact of its manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ml.erasing.marks import describe_marks, is_refused
from ml.learning.summary import kind_of
from pipeline.model_card.candidates import UNITS
from pipeline.model_card.figures import figure_of
from pipeline.model_card.slices import MAX_NAMED, weak_spots
from waybill.cli import shown_command
from waybill.text import counted

FEW_ROWS, FEW_OF_CLASS, FEW_BLOCKS = 1000, 100, 20
WIDE_INTERVAL = 0.02  # half of it, of ROC AUC
OTHER_SHARE = 0.05  # of the positive class, between two sets
MISCALIBRATED = 0.05


def describe_limits(manifest: Mapping[str, Any], unlabelled: str) -> list[str]:
    """Return the limits of a model, what its rows leave out or were erased first; `unlabelled` is why."""
    parts = (
        _of_erasures(manifest),
        _of_rows(manifest, unlabelled),
        _of_split(manifest),
        _of_figures(manifest),
        _of_parts(manifest),
    )
    return [sentence for part in parts for sentence in part]


def _of_erasures(manifest: Mapping[str, Any]) -> Iterator[str]:
    if marks := describe_marks(dict(manifest)):
        refused = " It is refused: nothing predicts with it." if is_refused(dict(manifest)) else ""
        command = shown_command(f"train --task {manifest.get('task')}")
        yield f"It {marks}.{refused} `{command}` trains a new one."


def _of_rows(manifest: Mapping[str, Any], unlabelled: str) -> Iterator[str]:
    rows = manifest.get("rows", {})
    if rows.get("unlabelled") and rows.get("all"):
        because = f" ({unlabelled})" if unlabelled else ""
        yield (
            f"{rows['unlabelled']:,} of {rows['all']:,} rows have no label{because}. Nothing was learnt from them, and "
            "no figure says how good their predictions are."
        )
    for name, lack in (manifest.get("classes_left_out") or {}).items():
        yield f"The model never predicts {name}: {lack}."
    small = [name for name, balance in _balance(manifest) if balance.get("test", FEW_OF_CLASS) < FEW_OF_CLASS]
    if small:
        named = ", ".join(f"{name} {dict(_balance(manifest))[name]['test']:,}" for name in small[:MAX_NAMED])
        more = f" and {len(small) - MAX_NAMED} more" if len(small) > MAX_NAMED else ""
        yield f"Few test rows of a class: {named}{more}."
    if 0 < rows.get("test", 0) < FEW_ROWS:
        yield f"Only {counted(rows['test'], 'test row')}: other rows would give other figures."


def _of_split(manifest: Mapping[str, Any]) -> Iterator[str]:
    split = manifest.get("split", {})
    if split.get("kind") == "random":
        yield (
            "Rows were divided at random. If a row depends on earlier ones or on others of its kind, the figures are "
            "too good: declare a time_column or a group_column."
        )
    if split.get("kind") == "group":
        yield f"Measured on a {split.get('group_column')} that the model has not seen; no later time was held back."
    for name, balance in _shares_by_set(manifest).items():
        if max(balance.values()) - min(balance.values()) > OTHER_SHARE:
            shares = ", ".join(f"{share:.1%} of {part}".replace("%", " %") for part, share in balance.items())
            yield f"The share of {name} differs between the sets: {shares}."


def _of_figures(manifest: Mapping[str, Any]) -> Iterator[str]:
    metrics, blocks = manifest.get("metrics", {}), manifest.get("blocks", {})
    found = figure_of(metrics, "roc_auc")
    if metrics.get("intervals_lack"):
        yield f"The figures have no intervals: {metrics['intervals_lack']}."
    elif found.low is None or found.high is None:
        command = shown_command(f"train --task {manifest.get('task')} --force")
        yield f"The figures have no intervals: an older version trained this model. `{command}` adds them."
    elif (found.high - found.low) / 2 > WIDE_INTERVAL:
        yield (
            f"ROC AUC on other rows of the same kind is between {found.low:.3f} and {found.high:.3f} (95 %): compare "
            "models by their paired differences, not by these figures."
        )
    if found.low is not None and found.low <= 0.5:
        yield "It is not clearly better than guessing: the interval of ROC AUC includes 0.5."
    if 0 < blocks.get("test", 0) < FEW_BLOCKS and blocks.get("unit") != "row":
        unit = UNITS.get(str(blocks.get("unit")), "blocks")
        yield f"The intervals come from only {blocks['test']} {unit}, so they are rough."
    yield from _of_comparison(manifest)
    if metrics.get("ece", 0) > MISCALIBRATED:
        yield (
            f"Probabilities differ from observed frequencies by {metrics['ece']:.3f} on average: rely on their order "
            "more than on their value."
        )
    if kind_of(dict(manifest)) == "binary" and metrics.get("recall") == 0:
        yield f"At the threshold {manifest.get('threshold')} no test row of the positive class is found."


def _of_comparison(manifest: Mapping[str, Any]) -> Iterator[str]:
    differences = (manifest.get("differences") or {}).get("validation") or {}
    equal = [
        name
        for name, of_metrics in differences.items()
        if (one := of_metrics.get("roc_auc")) and one.get("low") is not None and one["low"] <= 0 <= one["high"]
    ]
    if equal:
        yield (
            f"{manifest.get('chosen')} was selected, but on validation it is not clearly better than "
            f"{', '.join(equal)}: the interval of the difference includes 0."
        )
    unfinished = [name for name, one in manifest.get("candidates", {}).items() if not one.get("has_converged", True)]
    if unfinished:
        yield f"Did not converge within its max_iter, so it may be better than shown: {', '.join(unfinished)}."


def _of_parts(manifest: Mapping[str, Any]) -> Iterator[str]:
    weak = weak_spots(manifest)
    if weak:
        more = f"; and {len(weak) - MAX_NAMED} more" if len(weak) > MAX_NAMED else ""
        yield f"Weaker in parts of the rows: {'; '.join(weak[:MAX_NAMED])}{more}."
    if manifest.get("features_left_out"):
        yield f"Declared but not used, because no training row has a value: {', '.join(manifest['features_left_out'])}."


def _balance(manifest: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return list((manifest.get("class_balance") or {}).items())


def _shares_by_set(manifest: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return class → set → its share of the set's rows; of two classes the positive one only."""
    rows = manifest.get("rows", {})
    sets = [name for name in ("train", "validation", "test") if rows.get(name)]
    balance = _balance(manifest)
    shown = balance[-1:] if len(balance) == 2 else balance
    return {
        name: {part: of_class[part] / rows[part] for part in sets}
        for name, of_class in shown
        if sets and all(part in of_class for part in sets)
    }
