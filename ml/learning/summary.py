"""Shows a trained model: one line for a run, a table of the candidates for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml.learning.labels import shown_class
from waybill.text import shown

SUMMARY_METRICS = {"binary": ("roc_auc", "pr_auc", "brier"), "multi-class": ("roc_auc", "macro_f1", "log_loss")}
TABLE_METRICS = {
    "binary": {"roc_auc": "ROC AUC", "pr_auc": "PR-AUC", "brier": "Brier", "ece": "ECE"},
    "multi-class": {
        "roc_auc": "ROC AUC",
        "macro_f1": "macro-F1",
        "balanced_accuracy": "bal. acc.",
        "log_loss": "log loss",
        "accuracy": "accuracy",
    },
}
WIDTH = 9  # of a figure
MAX_CLASSES = 6  # named in one line
MAX_WEAK = 3


def kind_of(manifest: dict[str, Any]) -> str:
    """Return the kind of a model's label; older manifests have none, and were binary."""
    return str(manifest.get("kind", "binary"))


def summary_of(manifest: dict[str, Any]) -> str:
    """Return one line: the selected candidate, the model's figures on the test set, and what was left out."""
    first, *others = SUMMARY_METRICS[kind_of(manifest)]
    test = manifest["metrics"]
    figures = ", ".join([_with_interval(test, first, first), *(f"{name} {test[name]:.3f}" for name in others)])
    left_out = [f"feature {name} (no value in the training rows)" for name in manifest["features_left_out"]]
    left_out += [f"class {shown_class(value)} ({lack})" for value, lack in manifest["classes_left_out"].items()]
    without = f"; left out: {', '.join(left_out)}" if left_out else ""
    return f"{manifest['chosen']} of {len(manifest['candidates'])}: test {figures}{without}"


def describe_training(manifest: dict[str, Any], unlabelled: str) -> Iterator[str]:
    """Yield a table of the candidates on the test set, the model's figures, how rows were divided, and the classes."""
    metrics = TABLE_METRICS[kind_of(manifest)]
    header = " ".join(f"{title:>{WIDTH}}" for title in metrics.values())
    yield f"{'candidate':<24} {'seconds':>7} {header}   (test)"
    for candidate, result in manifest["candidates"].items():
        figures = " ".join(f"{result['test'][name]:>{WIDTH}.4f}" for name in metrics)
        steps = "" if result.get("has_converged", True) else "   did not converge: give it a higher max_iter"
        yield f"{candidate:<24} {result['seconds']:>7.1f} {figures}{steps}"
    yield from _describe_model(manifest, metrics)
    if "class_balance" in manifest:
        yield f"{describe_split(manifest)}; {describe_balance(manifest)}"
    rows, because = manifest["rows"], f" ({unlabelled})" if unlabelled else ""
    if rows.get("without_time"):
        yield f"{rows['without_time']:,} labelled rows have no {manifest['split']['time_column']} and are left out"
    yield f"{rows['unlabelled']:,} of {rows['all']:,} rows have no label{because} and are left out"


def _describe_model(manifest: dict[str, Any], metrics: dict[str, str]) -> Iterator[str]:
    """Yield the figures of the model, which is the selected candidate refitted, and its weak spots."""
    if "blocks" not in manifest:  # of an older model, which was not refitted
        return
    test, unit = manifest["metrics"], manifest["blocks"]["unit"]
    figures = ", ".join(_with_interval(test, name, title) for name, title in metrics.items())
    lack = test.get("intervals_lack")
    intervals = f"no intervals: {lack}" if lack else f"95 % intervals over {manifest['blocks']['test']:,} {unit}s"
    yield f"{manifest['chosen']}, refitted on train and validation, on test: {figures} ({intervals})"
    if manifest.get("cost"):
        costs = {name.replace("_", " "): f"{price:g}" for name, price in manifest["cost"].items()}
        named = ", ".join(f"a {name} costs {price}" for name, price in costs.items())
        yield f"threshold {manifest['threshold']:.3f}: the cheapest on validation, where {named}"
    weak = [f"{one['name']} {shown(one['value'])} ({one['why']})" for one in manifest["slices"] if one["is_weak"]]
    more = f" and {len(weak) - MAX_WEAK} more" if len(weak) > MAX_WEAK else ""
    yield f"weak spots: {', '.join(weak[:MAX_WEAK])}{more}" if weak else "weak spots: none found"


def _with_interval(figures: dict[str, Any], name: str, title: str) -> str:
    """Return a figure with its interval, if it has one."""
    interval = (figures.get("intervals") or {}).get(name)
    return f"{title} {figures[name]:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def describe_split(manifest: dict[str, Any]) -> str:
    """Return how the labelled rows were divided, and how many rows each set has."""
    split, rows = manifest["split"], manifest["rows"]
    by = {
        "time": f"by {split.get('time_column')}, days of UTC",
        "group": f"by {split.get('group_column')}, whole groups",
        "random": "at random, by class",
    }[split.get("kind", "time")]
    sets = ", ".join(f"{rows[name]:,} {name}" for name in ("train", "validation", "test"))
    return f"rows divided {by}: {sets}"


def describe_balance(manifest: dict[str, Any]) -> str:
    """Return the share of each class among the labelled rows, the largest first."""
    shares = sorted(
        ((balance["share"], name) for name, balance in manifest["class_balance"].items()), key=lambda one: -one[0]
    )
    more = f" and {len(shares) - MAX_CLASSES} more" if len(shares) > MAX_CLASSES else ""
    return "classes " + ", ".join(f"{shown_class(name)} {share:.1%}" for share, name in shares[:MAX_CLASSES]) + more
